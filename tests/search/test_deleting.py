"""Deleting a search: all of it, nothing of another one, and by one more call after any crash."""

import socket
from pathlib import Path

import optuna
import pytest
import sqlalchemy as sa

from search.deleting import deleting
from search.errors import LeaseHeldError, LeaseLostError, NotFoundError, StoreError
from search.study import tables
from search.study.confirmations import Confirmation, write_confirmations
from search.study.database import open_database
from search.study.knowledge import KnownTrial, known_rows
from search.study.lease import Lease
from search.study.projections import Projections, Told
from search.study.reader import StudyReader, list_names
from search.study.removal import remove_search
from search.study.requests import Kind, post
from search.study.searches import create_search
from search.tracking.removal import remove_runs
from search.trial import TrialState
from search.workspace import Workspace
from tests.contracts.study_driver import StudyFixtures, measured
from tests.faults import Crash, expire
from tests.old_proposals import old_study_names, storage_of, write_old_study
from tests.search.examples import make_study
from tests.search.tracking.mlflow_study import Driver as MlflowDriver
from tests.search.tracking.mlflow_study import driving, make_config, runs_of
from tests.stored_search import fill

OWN = [table for table in tables.metadata.sorted_tables if "search_id" in table.c]


def use_everything(driver) -> None:
    """Leaves rows of a search in every table."""
    writer, reader = driver.writer, driver.reader
    trial = writer.new_trial()
    attempt = writer.start_attempt(trial)
    writer.record(trial.number, attempt, [measured(1)])
    writer.finish(trial.number, attempt, TrialState.COMPLETE)
    writer.remeasured(trial.number, 1, {"fid": 1.0})
    write_confirmations(reader, [Confirmation(0, 1, 1, {"fid": 1.0}, 1.0)])
    post(driver.engine, reader.id, Kind.STOP)
    Projections(driver.engine, reader.id).remember(0, Told("run", 1, "complete"))
    writer.note("something", {})
    known = known_rows(reader.id, [KnownTrial({"beta": 0.5}, TrialState.FAILED)])
    with driver.engine.begin() as connection:
        connection.execute(sa.insert(tables.known_trial), known)


def num_rows(engine: sa.Engine, search_id: str) -> list[int]:
    """Returns how many rows each table has of a search."""
    with engine.connect() as connection:
        counts = [
            connection.scalar(
                sa.select(sa.func.count()).select_from(table).where(table.c.search_id == search_id)
            )
            for table in OWN
        ]
    return [int(count) for count in counts]


class RemovalContract(StudyFixtures):
    def test_everything_of_a_search_goes_and_nothing_of_another(self, url, create, drive):
        name = create()
        doomed, other = drive(name), drive(create())
        for driver in (doomed, other):
            use_everything(driver)
        assert all(num_rows(doomed.engine, doomed.reader.id))
        before = num_rows(other.engine, other.reader.id)
        remove_search(url, doomed.reader.id, doomed.lease)
        assert not any(num_rows(other.engine, doomed.reader.id))
        assert name not in list_names(other.engine)
        assert num_rows(other.engine, other.reader.id) == before

    def test_the_name_can_be_given_again(self, url, create, drive):
        driver = drive(create())
        use_everything(driver)
        remove_search(url, driver.reader.id, driver.lease)
        create_search(open_database(url), make_study(name=driver.reader.name), {})
        again = drive(driver.reader.name)
        assert again.reader.id != driver.reader.id
        assert again.reader.trials() == []
        assert again.writer.new_trial().number == 0

    def test_who_was_taken_over_removes_nothing(self, url, create, drive):
        name = create()
        old = drive(name)
        use_everything(old)
        expire(old.engine, old.reader.id)
        new = drive(name)
        with pytest.raises(LeaseLostError, match="took this search over"):
            remove_search(url, old.reader.id, old.lease)
        assert all(num_rows(new.engine, new.reader.id))

    def test_what_older_formats_kept_in_optunas_tables_goes_with_it(self, url, create, drive):
        doomed, other = drive(create()), drive(create())
        for driver in (doomed, other):
            for generation in (0, 1):
                write_old_study(url, driver.reader.id, generation=generation)
        own = {f"vaesearch-{other.reader.id}", f"vaesearch-{other.reader.id}-1"}
        optuna.delete_study(  # a crash came after the first half
            study_name=f"vaesearch-{doomed.reader.id}", storage=storage_of(url)
        )
        remove_search(url, doomed.reader.id, doomed.lease)
        assert own <= old_study_names(url)
        assert not [name for name in old_study_names(url) if doomed.reader.id in name]
        assert not any(num_rows(other.engine, doomed.reader.id))


class TestSQLite(RemovalContract):
    @pytest.fixture
    def url(self, sqlite_url):
        return sqlite_url


class TestPostgreSQL(RemovalContract):
    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url


@pytest.fixture
def workspace(tmp_path):
    """A workspace with a search called tiny that left files, and never heard of MLflow."""
    workspace = Workspace.at(tmp_path / "ws")
    workspace.make()
    create_search(open_database(workspace.study_url), make_study(budget={"trials": 6}), {})
    fill(workspace, "tiny")
    return workspace


def folder_of(workspace: Workspace) -> Path:
    reader = StudyReader(open_database(workspace.study_url), "tiny")
    return Path(workspace.store(reader.record().config)) / reader.id


class TestDeleting:
    def test_it_says_first_what_there_is(self, workspace):
        folder = folder_of(workspace)
        files = [path for path in folder.rglob("*") if path.is_file()]
        with deleting("tiny", workspace) as deletion:
            found = deletion.contents()
        assert (found.num_trials, found.num_files, found.num_runs) == (6, len(files), 0)
        assert found.num_bytes == sum(path.stat().st_size for path in files)
        assert found.folder == str(folder)
        assert folder.exists()
        with deleting("tiny", workspace):
            pass  # the lease was given back

    def test_nothing_is_left(self, workspace):
        folder = folder_of(workspace)
        with deleting("tiny", workspace) as deletion:
            assert deletion.carry_out() is None
        assert not folder.exists()
        assert list_names(open_database(workspace.study_url)) == []
        assert not (workspace.folder / "mlflow.db").exists()

    def test_a_running_search_is_refused_and_named(self, workspace):
        engine = open_database(workspace.study_url)
        lease = Lease.take(engine, StudyReader(engine, "tiny").id)
        refused = pytest.raises(LeaseHeldError, match=r"run by process .*vaesearch stop")
        with refused, deleting("tiny", workspace):
            pass
        lease.release()
        assert folder_of(workspace).exists()

    def test_an_unknown_search_is_refused(self, workspace):
        refused = pytest.raises(NotFoundError, match=r"no search `other` here\. Known: tiny")
        with refused, deleting("other", workspace):
            pass

    @pytest.mark.parametrize(
        "step", ["search.deleting.remove_runs", "search.deleting.remove_search"]
    )
    def test_a_crash_anywhere_is_finished_by_saying_it_again(self, workspace, monkeypatch, step):
        reader = StudyReader(open_database(workspace.study_url), "tiny")
        Projections(reader.engine, reader.id).remember(0, Told("run", 1, "complete"))

        def crash(*_):
            raise Crash

        with monkeypatch.context() as patched:
            patched.setattr(step, crash)
            with pytest.raises(Crash, match=r"^$"), deleting("tiny", workspace) as deletion:
                deletion.carry_out()
        assert list_names(reader.engine) == ["tiny"]
        with deleting("tiny", workspace) as deletion:
            assert deletion.contents().num_files == 0
            deletion.carry_out()
        assert list_names(reader.engine) == []

    def test_a_store_that_refuses_in_the_middle_loses_no_row(self, workspace, monkeypatch):
        def refuse(self, path=""):
            raise StoreError("Cannot delete s3://bucket/x in the store: timed out.")

        with monkeypatch.context() as patched:
            patched.setattr("search.files.Files.delete_folder", refuse)
            refused = pytest.raises(StoreError, match=r"Cannot delete .* timed out")
            with refused, deleting("tiny", workspace) as deletion:
                deletion.carry_out()
        assert len(StudyReader(open_database(workspace.study_url), "tiny").trials()) == 6
        with deleting("tiny", workspace) as deletion:
            deletion.carry_out()
        assert list_names(open_database(workspace.study_url)) == []


class TestMlflow:
    def test_an_mlflow_that_cannot_be_reached_is_told_and_stops_nothing(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        workspace = Workspace.at(tmp_path / "ws")
        workspace.make()
        uri = f"http://someone:secret@127.0.0.1:{port}"
        create_search(open_database(workspace.study_url), make_study(tracking={"uri": uri}), {})
        reader = StudyReader(open_database(workspace.study_url), "tiny")
        rows = Projections(reader.engine, reader.id)
        rows.remember(-1, Told("parent-run", 1, "complete"))
        rows.remember(0, Told("child-run", 1, "complete"))
        with deleting("tiny", workspace) as deletion:
            left = deletion.carry_out()
        assert left is not None
        assert f"may still have 2 runs with the tag vaesearch.search_id = {reader.id}" in left
        assert "Its own run is parent-run." in left
        assert "secret" not in left
        assert "\n" not in left
        assert list_names(reader.engine) == []

    def test_its_runs_are_deleted_and_those_of_others_are_not(self, tmp_path):
        workspace = Workspace.at(tmp_path / "ws")
        workspace.make()
        with driving(workspace, make_config(None)) as doomed:
            doomed.whole_trial()
            doomed.mirror().flush(is_last=True)
        with driving(workspace, make_config(None, name="other")) as other:
            other.whole_trial()
            other.mirror().flush(is_last=True)
        with deleting("demo", workspace) as deletion:
            assert deletion.contents().num_runs == 2
            assert deletion.carry_out() is None
        assert self.names(other) == {"other", "trial-00000"}
        assert remove_runs(other.uri, workspace.artifacts, doomed.reader.id) == 0

    @staticmethod
    def names(driver: MlflowDriver) -> set[str]:
        return {run.info.run_name for run in runs_of(driver).values()}
