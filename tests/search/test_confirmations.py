"""The confirmation table, on SQLite always and on PostgreSQL where there is a server."""

import math

import pytest

from search.errors import LeaseLostError
from search.study.confirmations import Confirmation, read_confirmations, write_confirmations
from tests.confirming import record_search, row
from tests.contracts.study_driver import StudyFixtures
from tests.faults import expire


class ConfirmationContract(StudyFixtures):
    @pytest.fixture
    def held(self, driver):
        record_search(driver)
        return driver

    def test_what_is_written_is_read_again(self, held):
        rows = [row(1, 1, 2, 6.5, 0.25), row(0, 2, 1, 9.0, math.nan), row(0, 1, 2, math.inf, 0.1)]
        assert write_confirmations(held.reader, rows) == 3
        found = read_confirmations(held.reader)
        assert [item.key for item in found] == [(0, 1, 2), (0, 2, 1), (1, 1, 2)]
        assert found[0].metrics == {"fid": math.inf, "tvd": 0.1}
        assert math.isnan(found[1].metrics["tvd"])
        assert found[2] == rows[0]

    def test_a_repetition_changes_nothing(self, held):
        write_confirmations(held.reader, [row(0, 1, 1, 9.0, 0.1)], ("first", {}))
        again = [row(0, 1, 1, 7.0, 0.7)]
        assert write_confirmations(held.reader, again, ("again", {})) == 0
        assert read_confirmations(held.reader) == [row(0, 1, 1, 9.0, 0.1)]
        assert [event.kind for event in held.reader.events()][-1] == "first"

    def test_only_what_is_new_is_added(self, held):
        write_confirmations(held.reader, [row(0, 1, 1, 9.0, 0.1)])
        both = [row(0, 1, 1, 5.0, 0.5), row(0, 1, 2, 4.0, 0.3)]
        assert write_confirmations(held.reader, both, ("told", {"trial": 0})) == 1
        assert [item.metrics["fid"] for item in read_confirmations(held.reader)] == [9.0, 4.0]
        assert held.reader.events()[-1].details == {"trial": 0}

    def test_searches_do_not_see_each_other(self, held, create, drive):
        other = drive(create())
        record_search(other)
        write_confirmations(held.reader, [row(0, 1, 1, 9.0, 0.1)])
        assert read_confirmations(other.reader) == []

    def test_a_driver_that_was_taken_over_writes_nothing(self, held, drive):
        expire(held.engine, held.reader.id)
        other = drive(held.reader.record().name)
        with pytest.raises(LeaseLostError, match="Another driver took this search over"):
            write_confirmations(held.reader, [Confirmation(0, 1, 1, {"fid": 1.0}, 1.0)])
        assert read_confirmations(other.reader) == []


class TestSQLite(ConfirmationContract):
    @pytest.fixture
    def url(self, sqlite_url):
        return sqlite_url


class TestPostgreSQL(ConfirmationContract):
    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url
