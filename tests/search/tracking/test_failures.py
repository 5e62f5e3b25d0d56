"""MLflow ends up like the study although it fails meanwhile. Real MLflow, no Ray."""

import threading
from pathlib import Path

import pytest

from search.errors import LeaseLostError, TrackerError
from search.study.database import open_database
from search.study.projections import SEARCH_ITSELF, Projections
from search.tracking.client import MlflowRuns
from search.tracking.projector import projecting
from search.workspace import Workspace
from tests.search.tracking.mlflow_study import (
    Driver,
    assert_like_the_study,
    driving,
    make_client,
    make_config,
    runs_of,
    wait_until,
)


class TestFailures:
    def test_a_broken_store_stops_nothing_and_is_written_afterwards(self, tmp_path: Path) -> None:
        workspace = Workspace.at(tmp_path / "workspace")
        workspace.make()
        obstacle = tmp_path / "folder"
        obstacle.write_text("a file where the store's folder should be")
        config, said = make_config(f"sqlite:///{obstacle}/mlflow.db"), list[str]()
        with driving(workspace, config) as driver:
            with projecting(driver.reader, driver.writer, workspace, said.append, lambda: True):
                driver.whole_trial()
                wait_until(lambda: said, "it is said that MLflow fails")
            assert "MLflow cannot be reached; the search goes on" in said[0]
            assert said[1:] == [
                "MLflow lacks 3 measurements of 1 trial; `vaesearch sync demo` writes it"
            ]
        obstacle.unlink()
        with (
            driving(workspace, config) as driver,
            projecting(driver.reader, driver.writer, workspace, pytest.fail),
        ):
            pass
        assert_like_the_study(driver)

    def test_a_store_that_comes_back_is_written_while_the_search_runs(
        self, driver: Driver, capfd: pytest.CaptureFixture[str]
    ) -> None:
        database = driver.workspace.folder / "mlflow.db"
        good = database.read_bytes()
        database.write_text("not a database at all, for now; longer than a header" * 10)
        said: list[str] = []
        with projecting(driver.reader, driver.writer, driver.workspace, said.append):
            driver.whole_trial()
            wait_until(lambda: said, "it is said that MLflow fails")
            database.write_bytes(good)
            rows = Projections(driver.reader.engine, driver.reader.id)
            wait_until(lambda: 0 in rows.read() and not rows.untold(), "the trial is written")
        assert_like_the_study(driver)
        assert len(said) == 1
        assert capfd.readouterr() == ("", "")

    def test_a_deleted_store_is_rebuilt(self, driver: Driver) -> None:
        mirror = driver.mirror()
        driver.whole_trial()
        mirror.flush()
        (driver.workspace.folder / "mlflow.db").unlink()
        driver.whole_trial()
        with pytest.raises(TrackerError, match="was deleted or replaced"):
            mirror.flush()
        mirror.flush(is_last=True)
        assert_like_the_study(driver)
        assert runs_of(driver)[0].info.status == "FINISHED"

    def test_a_deleted_run_is_written_again_and_no_other(self, driver: Driver) -> None:
        kept, deleted = driver.whole_trial(), driver.whole_trial()
        driver.mirror().flush()
        before = runs_of(driver)
        make_client(driver).delete_run(before[deleted].info.run_id)
        driver.mirror().flush()
        assert_like_the_study(driver)
        after = runs_of(driver)
        assert after[kept].info.run_id == before[kept].info.run_id
        assert after[deleted].info.run_id != before[deleted].info.run_id

    def test_a_store_that_comes_back_while_the_driver_ends_is_written(self, driver: Driver) -> None:
        database = driver.workspace.folder / "mlflow.db"
        good = database.read_bytes()
        database.write_text("not a database at all, for now; longer than a header" * 10)
        said: list[str] = []
        repair = threading.Timer(2.0, lambda: database.write_bytes(good))
        with projecting(driver.reader, driver.writer, driver.workspace, said.append):
            driver.whole_trial()
            wait_until(lambda: said, "it is said that MLflow fails")
            repair.start()
        repair.join()
        assert_like_the_study(driver)
        assert len(said) == 1

    def test_of_two_runs_of_one_trial_the_known_one_stays(self, driver: Driver) -> None:
        driver.whole_trial()
        driver.mirror().flush()
        before = runs_of(driver)[0].info.run_id
        runs = MlflowRuns(driver.uri, driver.workspace.artifacts, driver.reader.id)
        runs.open()
        runs.create(0, "trial-00000", 0.0, {})  # by a driver that stood still, older than the known
        driver.mirror().flush()
        assert_like_the_study(driver)
        assert runs_of(driver)[0].info.run_id == before

    def test_what_is_refused_of_one_trial_holds_up_no_other(self, driver: Driver) -> None:
        refused, attempt = driver.begin()
        mirror = driver.mirror()
        mirror.flush()
        make_client(driver).delete_run(runs_of(driver)[refused].info.run_id)
        driver.train(refused, attempt, range(1, 2))
        other = driver.whole_trial()
        with pytest.raises(TrackerError, match="must be in the 'active' state"):
            mirror.flush()
        assert runs_of(driver)[other].info.status == "FINISHED"

    def test_a_driver_that_was_taken_over_writes_nothing_more(self, driver: Driver) -> None:
        mirror = driver.mirror()
        driver.whole_trial()
        mirror.flush()
        driver.whole_trial()
        other = open_database(driver.workspace.study_url)
        with other.begin() as connection:
            connection.exec_driver_sql("UPDATE lease SET token = token + 1")
        with pytest.raises(LeaseLostError, match="took this search over"):
            mirror.flush()
        with projecting(driver.reader, driver.writer, driver.workspace, pytest.fail):
            pass
        assert set(runs_of(driver)) == {SEARCH_ITSELF, 0}

    def test_without_tracking_nothing_is_made(self, tmp_path: Path) -> None:
        workspace = Workspace.at(tmp_path)
        config = make_config(None, tracking={"mlflow": False})
        with (
            driving(workspace, config) as driver,
            projecting(driver.reader, driver.writer, workspace, pytest.fail),
        ):
            driver.whole_trial()
        assert not (tmp_path / "mlflow.db").exists()
