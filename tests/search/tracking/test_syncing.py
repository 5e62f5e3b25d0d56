"""`sync`: all of a search written into MLflow again, without a driver. Real MLflow, no Ray."""

from pathlib import Path

import pytest

from search.errors import LeaseHeldError, SearchError, TrackerError
from search.study.database import open_database
from search.study.reader import StudyReader
from search.tracking.syncing import Synced, sync
from search.trial import TrialState
from search.workspace import Workspace
from tests.search.tracking.mlflow_study import (
    Driver,
    assert_like_the_study,
    driving,
    make_client,
    make_config,
    runs_of,
)


def synced(workspace: Workspace) -> tuple[Synced, list[tuple[int, int]]]:
    """Syncs as the command does; also returns the progress that was told."""
    told: list[tuple[int, int]] = []
    reader = StudyReader(open_database(workspace.study_url), "demo")
    return sync(reader, workspace, lambda *counts: told.append(counts)), told


@pytest.fixture
def ended(workspace: Workspace, empty_mlflow: bytes) -> Driver:
    """A search of two trials that MLflow knew, whose driver is gone."""
    with driving(workspace, make_config(None)) as driver:
        driver.writer.prepare({"ceiling": {"fid": 100.0, "tvd": 1.0}})
        driver.whole_trial()
        driver.whole_trial(TrialState.PRUNED)
        driver.mirror().flush(is_last=True)
    (workspace.folder / "mlflow.db").write_bytes(empty_mlflow)
    return driver


def test_an_empty_mlflow_holds_everything_then(ended: Driver) -> None:
    done, told = synced(ended.workspace)
    assert_like_the_study(ended)
    runs = runs_of(ended)
    assert [runs[n].info.status for n in (0, 1)] == ["FINISHED", "KILLED"]
    assert runs[0].data.tags["front.on_front"] == "true"
    assert (done.num_trials, done.num_measurements) == (2, 6)
    assert done.run_id == runs[-1].info.run_id
    assert told == [(1, 2), (2, 2)]


def test_what_is_there_already_stays_as_it_is(ended: Driver) -> None:
    synced(ended.workspace)
    before = {n: run.to_dictionary() for n, run in runs_of(ended).items()}
    synced(ended.workspace)
    assert {n: run.to_dictionary() for n, run in runs_of(ended).items()} == before


def test_metrics_that_were_lost_are_there_again(ended: Driver) -> None:
    synced(ended.workspace)
    make_client(ended).delete_run(runs_of(ended)[1].info.run_id)
    synced(ended.workspace)
    assert_like_the_study(ended)


def test_while_a_driver_runs_it_is_refused(driver: Driver) -> None:
    with pytest.raises(LeaseHeldError, match="This search is run by process"):
        synced(driver.workspace)


def test_a_search_without_mlflow_is_refused(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    with driving(workspace, make_config(None, tracking={"mlflow": False})):
        pass
    with pytest.raises(SearchError, match=r"tracking: \{mlflow: false\}"):
        synced(workspace)
    assert not (tmp_path / "mlflow.db").exists()


def test_an_mlflow_that_is_away_is_named_and_the_search_is_free_again(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    with driving(workspace, make_config("http://ada:secret@127.0.0.1:9")) as driver:
        driver.whole_trial()
    with pytest.raises(
        TrackerError, match=r"again once MLflow \(http://127.0.0.1:9\) answers"
    ) as error:
        synced(workspace)
    assert "secret" not in str(error.value)
    with driving(workspace, make_config(None)):
        pass
