"""MLflow behind a network: killed servers, faulty answers, a prefix, passwords. Real servers."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from search.errors import TrackerError
from search.study.projections import SEARCH_ITSELF, Projections
from search.tracking import projector
from search.tracking.client import EXPERIMENT, MlflowRuns
from search.tracking.mirror import Mirror
from search.tracking.node_load import PREFIX
from search.tracking.projector import Projector, projecting
from search.trial import TrialState
from search.workspace import Workspace
from tests.faulty_proxy import Fault, FaultyProxy
from tests.search.tracking.mlflow_server import free_port, mlflow_server
from tests.search.tracking.mlflow_study import (
    PNG,
    Driver,
    assert_like_the_study,
    driving,
    make_client,
    make_config,
    runs_of,
    wait_until,
)

pytestmark = pytest.mark.slow(minutes=4)

_OWN = ("mlflow.parentRunId",)  # what two records of one search may differ in


def test_a_server_that_is_killed_and_started_again_lacks_nothing(tmp_path: Path) -> None:
    workspace, port, said = Workspace.at(tmp_path / "workspace"), free_port(), list[str]()
    workspace.make()
    config = make_config(f"http://127.0.0.1:{port}")
    with driving(workspace, config) as driver:
        rows = Projections(driver.reader.engine, driver.reader.id)
        with projecting(driver.reader, driver.writer, workspace, said.append):
            with mlflow_server(tmp_path, port):
                trial, attempt = driver.begin()
                driver.store.save(trial, attempt, (3, 0), {"samples.png": PNG}, {})
                driver.train(trial, attempt, range(1, 3))
                wait_until(lambda: 0 in rows.read() and not rows.untold(), "the first epochs")
            driver.train(trial, attempt, range(3, 4))
            driver.writer.finish(trial, attempt, TrialState.COMPLETE)
            driver.whole_trial(TrialState.PRUNED)
            wait_until(lambda: said, "it is said that MLflow fails")
            with mlflow_server(tmp_path, port):
                wait_until(lambda: 1 in rows.read() and not rows.untold(), "all epochs")
                assert_like_the_study(driver)
                run_id = runs_of(driver)[trial].info.run_id
                assert [f.path for f in make_client(driver).list_artifacts(run_id)] == [
                    "samples.png"
                ]
                assert runs_of(driver)[1].info.status == "KILLED"
    assert "MLflow cannot be reached" in said[0]


def record_of(uri: str) -> dict[int, Any]:
    """Returns everything that an MLflow holds of its one search, by trial, without its own ids."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    found = {}
    for run in runs:
        points = {
            name: sorted(
                (p.step, p.value, p.timestamp)
                for p in client.get_metric_history(run.info.run_id, name)
            )
            for name in run.data.metrics
            if not name.startswith(PREFIX)  # the load of the machines is no part of the study
        }
        number = int(run.data.tags["vaesearch.trial"])
        assert number not in found, f"trial {number} has two runs"
        found[number] = {
            "name": run.info.run_name,
            "status": run.info.status,
            "times": (run.info.start_time, run.info.end_time),
            "params": run.data.params,
            "tags": {k: v for k, v in run.data.tags.items() if k not in _OWN},
            "metrics": points,
            "files": sorted(item.path for item in client.list_artifacts(run.info.run_id)),
        }
    return found


def rebuilt(driver: Driver, folder: Path) -> dict[int, Any]:
    """Returns what an empty MLflow holds after everything was written into it."""
    folder.mkdir()
    rows = Projections(driver.reader.engine, driver.reader.id)
    rows.forget(rows.read())
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    runs = MlflowRuns(uri, (folder / "artifacts").as_uri(), driver.reader.id)
    store = driver.workspace.store(driver.reader.record().config)
    tell_the_rest(Mirror(driver.reader, runs, store))
    return record_of(uri)


def tell_the_rest(mirror: Mirror) -> None:
    """Does what a driver does at its end."""
    mirror.flush(is_last=True)
    mirror.show(is_last=True)


@contextlib.contextmanager
def behind(proxy: FaultyProxy, folder: Path) -> Iterator[Driver]:
    workspace = Workspace.at(folder / "workspace")
    workspace.make()
    with proxy.serving(), driving(workspace, make_config(proxy.url)) as driver:
        yield driver


def test_a_faulty_network_and_a_server_killed_five_times_lose_and_double_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    monkeypatch.setattr(projector, "_LONGEST_PAUSE_SECONDS", 0.5)
    port = free_port()
    proxy = FaultyProxy(port, share=0.2, hang_seconds=3.0, seed=5)
    with behind(proxy, tmp_path) as driver:
        rows = Projections(driver.reader.engine, driver.reader.id)
        driver.writer.prepare({"ceiling": {"fid": 100.0, "tvd": 1.0}})
        told = Projector(driver.mirror(), "demo", lambda _: None, pause=0.1)
        told.start()
        for _ in range(6):
            with mlflow_server(tmp_path, port):
                trial, attempt = driver.begin()
                driver.store.save(trial, attempt, (3, 0), {"samples.png": PNG}, {})
                driver.train(trial, attempt, range(1, 3), fid=60.0 - trial)
                if trial % 2:  # the others are killed in the middle
                    wait_until(lambda: not rows.untold(), "the epochs are told", 300)
                driver.train(trial, attempt, range(3, 4), fid=60.0 - trial)
                driver.writer.finish(trial, attempt, TrialState.COMPLETE, f"why {trial}")
        with mlflow_server(tmp_path, port):
            told.finish(60.0)
            proxy.share = 0.0
            monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
            tell_the_rest(driver.mirror())
            whole = record_of(proxy.url)
    assert set(proxy.done) == set(Fault), "not every fault happened"
    assert whole == rebuilt(driver, tmp_path / "again")
    assert whole[5]["tags"]["front.on_front"] == "true"
    assert set(whole) == {SEARCH_ITSELF, *range(6)}


def test_a_server_behind_a_prefix_and_a_password_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    proxy = FaultyProxy(port, prefix="/tools/mlflow", password="ada:lovelace")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")
    with mlflow_server(tmp_path, port), behind(proxy, tmp_path) as driver:
        with pytest.raises(TrackerError, match="401"):
            driver.mirror().flush()
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "lovelace")
        trial, attempt = driver.begin()
        driver.store.save(trial, attempt, (3, 0), {"samples.png": PNG}, {})
        driver.train(trial, attempt, range(1, 4))
        driver.writer.finish(trial, attempt, TrialState.COMPLETE)
        driver.mirror().flush(is_last=True)
        assert record_of(proxy.url)[0]["files"] == ["samples.png"]
        assert_like_the_study(driver)
