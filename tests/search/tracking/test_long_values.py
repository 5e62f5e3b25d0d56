"""Values that MLflow does not take as they are: cut, changed or refused in words. Real MLflow."""

from typing import Any

import pytest

from search.study.projections import SEARCH_ITSELF, Projections
from search.tracking.client import MlflowRuns, RefusedError
from search.tracking.entries import shown
from search.trial import Measurement, TrialState
from search.workspace import Workspace
from tests.search.tracking.mlflow_study import (
    START,
    Driver,
    assert_like_the_study,
    driving,
    make_config,
    runs_of,
)


def told_twice(driver: Driver) -> tuple[Any, Any]:
    """Returns MLflow's runs after a search was told, and after it was told anew."""
    driver.mirror().flush()
    before = {number: run.to_dictionary() for number, run in runs_of(driver).items()}
    rows = Projections(driver.reader.engine, driver.reader.id)
    rows.forget(rows.read())
    driver.mirror().flush()
    return before, {number: run.to_dictionary() for number, run in runs_of(driver).items()}


@pytest.mark.parametrize("length", [6_000, 6_001, 12_345])
def test_a_param_is_whole_or_says_what_it_lacks_and_never_changes(
    workspace: Workspace, length: int
) -> None:
    whole = "ä🙂'\"" * (length // 4) + "x" * (length % 4)
    with driving(workspace, make_config(None, fixed={"widths": whole})) as driver:
        trial = driver.whole_trial()
        first, second = told_twice(driver)
        assert first == second
        runs = runs_of(driver)
        assert driver.reader.record().config.fixed["widths"] == whole
    values = {runs[trial].data.params["widths"], runs[SEARCH_ITSELF].data.params["fixed.widths"]}
    [value] = values
    assert len(value) == 6_000
    if length == 6_000:
        assert value == whole
        return
    start, _, note = value.rpartition("…")
    assert whole.startswith(start)
    assert note == f" ({length:,} characters; whole in study.yaml or `vaesearch status --json`)"


def test_a_long_reason_says_what_it_lacks(driver: Driver) -> None:
    trial, attempt = driver.begin()
    driver.train(trial, attempt, range(1, 2))
    driver.writer.finish(trial, attempt, TrialState.FAILED, "y" * 9_000)
    first, second = told_twice(driver)
    assert first == second
    reason = runs_of(driver)[trial].data.tags["vaesearch.reason"]
    assert len(reason) == 8_000
    assert "yyy… (9,000 characters; whole in " in reason


def test_what_no_database_encodes_is_replaced() -> None:
    assert shown("a\ud800b", 100) == "a?b"
    assert shown("a\0b", 100) == "a\N{REPLACEMENT CHARACTER}b"
    assert shown("é🙂 'x\" a/b\n", 100) == "é🙂 'x\" a/b\n"


def test_nan_and_infinities_are_told_once_and_kept_as_documented(driver: Driver) -> None:
    trial, attempt = driver.begin()
    for epoch, value in enumerate((float("nan"), float("inf"), float("-inf"), 5e-324), start=1):
        metrics = {"fid": value, "tvd": -value, "beta": 1.0}
        driver.writer.record(trial, attempt, [Measurement(epoch, metrics, START + epoch)])
    driver.writer.finish(trial, attempt, TrialState.COMPLETE)
    first, second = told_twice(driver)
    assert str(first) == str(second)  # a NaN is like no other
    assert_like_the_study(driver)


def test_a_models_name_that_is_too_long_is_refused_in_words(driver: Driver) -> None:
    trial = driver.whole_trial()
    driver.mirror().flush()
    runs = MlflowRuns(driver.uri, driver.workspace.artifacts, driver.reader.id)
    [run] = runs.open()[trial]
    folder = driver.workspace.folder
    with pytest.raises(RefusedError, match=r"at most 256 characters in MLflow\. Received: 500"):
        runs.register(run.id, folder, "models", "m" * 500, {})
