"""The study database, on SQLite always and on PostgreSQL where there is a server."""

import dataclasses
import os
import subprocess
import sys

import psutil
import pytest
import sqlalchemy as sa

from search.errors import LeaseHeldError, SearchError
from search.study import tables
from search.study.database import open_database
from search.study.lease import Holder, Lease, _started, current_holder
from search.study.searches import create_search
from tests.contracts.crash_contract import CrashContract
from tests.contracts.lease_contract import LeaseContract
from tests.contracts.settling_contract import SettlingContract
from tests.contracts.steering_contract import SteeringContract
from tests.contracts.study_contract import StudyContract
from tests.faults import abandon
from tests.search.examples import make_study


class TestSQLite(StudyContract, LeaseContract, CrashContract, SteeringContract, SettlingContract):
    @pytest.fixture
    def url(self, sqlite_url):
        return sqlite_url


class TestPostgreSQL(
    StudyContract, LeaseContract, CrashContract, SteeringContract, SettlingContract
):
    crash_step = 9

    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url


class TestDatabase:
    @pytest.mark.parametrize(
        ("url", "cause"),
        [
            ("nonsense", "Could not parse"),
            ("sqlite:////no/such/folder/study.db", "unable to open"),
            ("postgresql+psycopg://someone:secret@127.0.0.1:1/study", "refused"),
        ],
    )
    def test_what_cannot_be_opened_is_one_line_without_a_password(self, url, cause):
        with pytest.raises(SearchError, match=f"Cannot open the study database.*{cause}") as caught:
            open_database(url)
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_newer_format_is_refused(self, tmp_path):
        url = f"sqlite:///{tmp_path / 'study.db'}"
        with open_database(url).begin() as connection:
            connection.execute(tables.schema.insert().values(version=99))
        with pytest.raises(SearchError, match=r"has format 99.*Install a newer vaesearch"):
            open_database(url)


HOLD = """
import sys
from search.study.database import open_database
from search.study.lease import Lease
Lease.take(open_database(sys.argv[1]), sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


class TestDeadDrivers:
    @pytest.fixture
    def search(self, sqlite_url):
        """An engine, and a new search's id."""
        engine = open_database(sqlite_url)
        create_search(engine, make_study(name="held"), {})
        with engine.begin() as connection:
            search_id = connection.scalar(sa.select(tables.search.c.id).filter_by(name="held"))
            connection.execute(
                sa.update(tables.search).values(name=search_id).filter_by(name="held")
            )
        yield engine, search_id
        engine.dispose()

    def test_a_killed_process_frees_its_lease_at_once(self, search, sqlite_url):
        engine, search_id = search
        command = [sys.executable, "-c", HOLD, sqlite_url, search_id]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdout.readline() == b"held\n"
            with pytest.raises(LeaseHeldError, match=f"process {child.pid} of .*vaesearch stop"):
                Lease.take(engine, search_id)
            child.kill()
            child.wait()
        assert current_holder(engine, search_id) is None
        abandon(Lease.take(engine, search_id))

    def test_a_zombie_is_dead(self):
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            process = psutil.Process(child.pid)
            here = Holder.this_process()
            holder = dataclasses.replace(here, pid=child.pid, started=_started(process))
            assert not holder.is_dead()
            child.kill()
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet buried
            assert holder.is_dead()

    @pytest.mark.parametrize(
        ("changes", "is_dead"),
        [
            ({}, False),
            ({"started": 1.0}, True),  # another process has the number now
            ({"boot_id": "elsewhere", "started": 1.0}, False),  # nobody here can know
        ],
    )
    def test_only_a_process_that_can_be_seen_is_declared_dead(self, changes, is_dead):
        assert dataclasses.replace(Holder.this_process(), **changes).is_dead() is is_dead
