"""A desk whose database does not answer for a while, or whose answer is lost."""

import time
from types import SimpleNamespace

import pytest

from search.errors import SearchError
from search.executor.desk import Desk
from tests.faults import lost_answer, outage
from tests.search.examples import one_epoch


@pytest.fixture
def pauses(monkeypatch):
    """Pauses that the desk made, in seconds; none of them takes any time."""
    made: list[float] = []
    clock = SimpleNamespace(sleep=made.append, monotonic=time.monotonic)
    monkeypatch.setattr("search.study.outages.time", clock)
    return made


def act_out(desk):
    """A short search: a lost worker, an interruption, a failure, three trials in the end."""
    for worker in ("a", "b"):
        desk.hand_out(worker)
    desk.lose("a")
    desk.hear("b", one_epoch("interrupted"))
    for number, worker in enumerate(("c", "d", "e")):
        attempt = desk.hand_out(worker).attempt
        outcome = "failed" if number == 2 else "complete"
        desk.hear(worker, one_epoch(outcome, "why", attempt=attempt))


@pytest.mark.parametrize("after", range(0, 60, 3))
def test_an_outage_is_waited_for_and_leaves_no_trace(driver, pauses, after):
    desk = Desk(driver.writer, 3)
    with outage(driver.engine, after=after, length=2):
        act_out(desk)
    assert desk.error is None
    assert desk.has_everything
    assert pauses in ([], [0.2, 0.4], [0.2, 0.2])
    trials = driver.writer.trials()
    assert [trial.state.value for trial in trials] == ["complete", "complete", "failed"]
    assert driver.optuna_states() == ["COMPLETE", "COMPLETE", "FAIL"]


@pytest.mark.parametrize("after", range(12))
def test_a_commit_whose_answer_is_lost_is_not_repeated(driver, pauses, after):
    desk = Desk(driver.writer, 3)
    with lost_answer(driver.engine, after):
        act_out(desk)
    assert desk.error is None
    trials = driver.writer.trials()
    assert [trial.state.value for trial in trials] == ["complete", "complete", "failed"]
    assert driver.optuna_states() == ["COMPLETE", "COMPLETE", "FAIL"]


def test_an_outage_that_lasts_is_reported(driver, pauses):
    desk = Desk(driver.writer, 3, patience=0.0)
    desk.hand_out("a")
    with outage(driver.engine):
        desk.hear("a", one_epoch("complete"))
    assert desk.is_done
    assert isinstance(desk.error, SearchError)
    assert "study database does not answer" in str(desk.error)
    assert "`vaesearch resume`, or `confirm` again, goes on" in str(desk.error)
