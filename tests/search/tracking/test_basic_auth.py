"""A real MLflow server that asks who one is, over a real PostgreSQL: told through our commands."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from search.errors import TrackerError
from search.tracking.client import EXPERIMENT
from search.trial import Measurement, TrialState
from search.workspace import Workspace
from tests.commands import Commands
from tests.search.tracking.mlflow_postgres import (
    Service,
    basic_auth_service,
    database_in,
    make_account,
    text_below,
)
from tests.search.tracking.mlflow_study import (
    PNG,
    START,
    Driver,
    assert_like_the_study,
    driving,
    make_client,
    make_config,
    runs_of,
)
from tests.search.tracking.test_registry import registered
from tests.search.tracking.test_servers import rebuilt, record_of

pytestmark = pytest.mark.slow

FIXED = {"widths": "[1024]" * 2_000, "learning_rate": 0.001}
EXTREMES = (float("nan"), float("inf"), float("-inf"), 5e-324, 1.5)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Service]:
    pytest.importorskip("flask_wtf", reason="`mlflow[auth]` is not installed")
    folder = tmp_path_factory.mktemp("server")
    with database_in(postgres_url) as database, basic_auth_service(folder, database) as service:
        yield service


@pytest.fixture
def call(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Iterator[Commands]:
    """Commands of nobody in particular; what they tell the server is deleted in the end."""
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    yield Commands(monkeypatch, capsys, tmp_path)
    client = MlflowClient(service.url_of(service.admin))
    experiment = client.get_experiment_by_name(EXPERIMENT)
    for run in client.search_runs([experiment.experiment_id]):
        client.delete_run(run.info.run_id)


def make_search(folder: Path, uri: str) -> Driver:
    """Makes a search that ended and that MLflow was never told of."""
    workspace = Workspace.at(folder / "workspace")
    workspace.make()
    with driving(workspace, make_config(uri, fixed=FIXED)) as driver:
        driver.writer.prepare({"ceiling": {"fid": 100.0, "tvd": 1.0}})
        driver.whole_trial()
        driver.whole_trial(TrialState.PRUNED)
        trial, attempt = driver.begin()
        driver.store.save(trial, attempt, (5, 0), {"samples.png": PNG}, {})
        for epoch, value in enumerate(EXTREMES, start=1):
            metrics = {"fid": value, "tvd": -value, "beta": 1.0}
            driver.writer.record(trial, attempt, [Measurement(epoch, metrics, START + epoch)])
        driver.writer.finish(trial, attempt, TrialState.FAILED, "a reason with \0 in it")
    return driver


def comparable(record: dict[int, Any]) -> str:
    """Returns a record as text, in which a NaN is like another one."""
    return json.dumps(record, sort_keys=True, indent=1)


def test_who_may_not_write_is_told_what_to_do_and_later_everything_is_there(
    call: Commands, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = make_search(tmp_path, service.url)
    words = ("sync", "demo", "--workspace", driver.workspace.folder)
    wrong = make_account(service.admin.user)
    errors = [call(*words, "--json").error]
    wrong.enter(monkeypatch)
    errors.append(call(*words, "--json").error)
    for error in errors:
        assert error.startswith(
            f"MLflow ({service.url}) does not know who asks (401): user or password are missing "
            "or wrong. Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    service.admin.enter(monkeypatch)
    result = call(*words)
    assert (result.status, result.err) == (0, "")
    said = " ".join(result.out.split())
    assert said == (
        f"MLflow ({service.url}) holds 3 trials and 11 measurements of `demo`, as the study does."
    )
    assert_like_the_study(driver)
    whole = record_of(service.url)
    assert whole[2]["files"] == ["samples.png"]
    assert "… (12,000 characters; whole in " in whole[0]["params"]["widths"]
    service.guest.enter(monkeypatch)  # may read what the administrator made
    errors.append(call(*words, "--json").error)
    assert errors[-1].startswith(f"MLflow ({service.url}) does not permit this to its user (403). ")
    service.admin.enter(monkeypatch)
    assert call(*words).status == 0
    assert comparable(record_of(service.url)) == comparable(whole)
    with driving(driver.workspace, make_config(service.url)) as again:
        assert comparable(rebuilt(again, tmp_path / "again")) == comparable(whole)
    kept = service.everything() + text_below(tmp_path)
    for account in (wrong, service.admin, service.guest):
        assert account.password not in f"{errors}{result}{kept}"


def test_a_password_in_the_address_is_used_and_shown_nowhere(
    call: Commands, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = make_search(tmp_path, service.url_of(service.admin))
    words = ("sync", "demo", "--workspace", driver.workspace.folder, "--json")
    told = call(*words)
    assert json.loads(told.out)["uri"] == service.url
    assert_like_the_study(driver)
    make_account("ada").enter(monkeypatch)  # counts before the address
    refused = call(*words).error
    assert "(401)" in refused
    service.admin.enter(monkeypatch)
    assert call(*words).out == told.out
    assert service.admin.password not in f"{told}{refused}{service.everything()}"


def test_a_model_is_registered_by_who_may_write(
    call: Commands, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = make_search(tmp_path, service.url)
    service.admin.enter(monkeypatch)
    assert call("sync", "demo", "--workspace", driver.workspace.folder, "--json").status == 0
    _, made = registered(driver, 0, "näme 'of\" 🙂")
    client = make_client(driver)
    version = client.get_model_version(made["decoder"].name, str(made["decoder"].version))
    assert version.run_id == runs_of(driver)[0].info.run_id
    assert len(client.list_artifacts(version.run_id)) == 1
    service.guest.enter(monkeypatch)
    with pytest.raises(TrackerError, match=r"does not permit this to its user \(403\)"):
        registered(driver, 0, made["decoder"].name.removesuffix("-decoder"))
