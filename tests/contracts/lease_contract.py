"""One driver writes, on every study database."""

from collections.abc import Callable
from typing import Any

import pytest

from search.errors import LeaseHeldError, LeaseLostError
from search.study.database import open_database
from search.study.lease import Lease, active_seconds, current_holder
from search.study.reader import StudyReader
from search.trial import TrialState
from tests.contracts.study_driver import StudyFixtures, measured
from tests.faults import expire


class LeaseContract(StudyFixtures):
    def test_a_second_driver_is_refused_and_told_who_holds_it(self, driver, drive):
        with pytest.raises(LeaseHeldError, match=r"run by process \d+ of .* on .*vaesearch stop"):
            drive(driver.reader.record().name)
        assert not driver.lease.lost.is_set()
        driver.writer.note("still", {"here": True})

    def test_a_released_lease_is_free_at_once(self, driver, drive):
        driver.lease.release()
        assert current_holder(driver.engine, driver.reader.id) is None
        second = drive(driver.reader.record().name)
        assert second.lease.token == driver.lease.token + 1
        assert current_holder(second.engine, second.reader.id) is not None

    def test_nothing_is_written_after_a_takeover(self, driver, drive):
        writer = driver.writer
        writer.start_attempt(writer.new_trial())
        expire(driver.engine, driver.reader.id)
        second = drive(driver.reader.record().name)
        before = second.reader.trials()
        writes: list[Callable[[], Any]] = [
            lambda: writer.record(0, 1, [measured(1)]),
            lambda: writer.finish(0, 1, TrialState.FAILED),
            lambda: writer.release_trial(0, 1, "lost"),
            lambda: writer.start_attempt(writer.trial(0)),
            lambda: writer.new_trial(),
            lambda: writer.note("a", {}),
            lambda: writer.prepare({}),
            lambda: writer.remeasured(0, 1, {}),
            lambda: writer.change_config(driver.reader.record().config, "a", {}),
        ]
        for write in writes:
            with pytest.raises(LeaseLostError, match="Another driver took this search over"):
                write()
        assert driver.lease.lost.is_set()
        assert second.reader.trials() == before
        assert second.optuna_states() == ["RUNNING"]
        assert second.reader.events() == []

    def test_a_lost_lease_is_not_released_by_its_old_holder(self, driver, drive):
        expire(driver.engine, driver.reader.id)
        second = drive(driver.reader.record().name)
        with pytest.raises(LeaseLostError, match="took this search over"):
            driver.writer.note("a", {})
        driver.lease.release()
        assert current_holder(second.engine, second.reader.id) is not None
        second.writer.note("b", {})

    def test_a_lease_renews_itself_and_counts_the_time(self, url, create):
        engine = open_database(url)
        search_id = StudyReader(engine, create()).id
        lease = Lease.take(engine, search_id, seconds=0.4)
        while active_seconds(engine, search_id) < 0.25:
            assert lease._thread.is_alive()
        assert current_holder(engine, search_id) is not None
        lease.release()
        assert current_holder(engine, search_id) is None
