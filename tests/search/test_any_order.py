"""Asking, telling, losing, stopping and crashing in any order: every trial ends once."""

import secrets

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.assignment import Round
from search.executor.desk import Desk
from search.study.database import open_database
from search.study.knowledge import read_knowledge
from search.study.proposals import Proposals
from search.study.requests import Kind, open_requests, post, post_point
from search.study.searches import create_search
from tests.contracts.study_driver import Driver, fake_metrics
from tests.faults import FakeWorkers, expire
from tests.search.examples import make_study

NUM_TRIALS, EPOCHS = 4, 2
ACTIONS = (
    "ask",
    "ask",
    "report",
    "report",
    "report",
    "lose",
    "interrupt",
    "stop",
    "retry",
    "crash",
)


def as_known(proposals):
    """Returns all that a sampler finds in an Optuna study, but for the times."""
    trials = proposals._study.get_trials(deepcopy=False)
    rows = [
        (t.number, t.state, t.params, t.distributions, t.values, t.system_attrs) for t in trials
    ]
    return rows, proposals._noted(), proposals._queue


class Play:
    """A search and its workers, to which things happen one after another."""

    def __init__(self, url):
        self._url = url
        self._name = f"order-{secrets.token_hex(6)}"
        engine = open_database(url)
        config = make_study(name=self._name, budget={"trials": NUM_TRIALS, "epochs": EPOCHS})
        create_search(engine, config, {})
        engine.dispose()
        self.workers = FakeWorkers(EPOCHS, fake_metrics)
        self._live = {}
        self._num_workers = 0
        self._num_retries = 0
        self.driver = None
        self.start()

    def start(self):
        self.driver = Driver(self._url, self._name)
        self.driver.writer.mend()
        self.desk = Desk(self.driver.writer, NUM_TRIALS)
        self._live.clear()

    def close(self):
        expire(self.driver.engine, self.driver.reader.id)
        self.driver.close()

    def do(self, action, pick):
        self.desk._next_look = 0.0  # as if time had passed
        self.desk.look()
        names = list(self._live)
        worker = names[pick % len(names)] if names else None
        if action == "ask":
            self._ask()
        elif action == "crash":
            self.close()
            self.start()
        elif action in ("stop", "retry"):
            self._request(action, pick)
        elif worker is not None:
            self._hear(action, worker)

    def _ask(self):
        self._num_workers += 1
        assignment = self.desk.hand_out(f"worker-{self._num_workers}")
        if assignment is not None:
            self._live[f"worker-{self._num_workers}"] = self.workers.rounds(assignment)

    def _hear(self, action, worker):
        if action == "report":
            report = next(self._live[worker])
            self.desk.hear(worker, report)
            if report.outcome is not None:
                del self._live[worker]
            return
        del self._live[worker]
        if action == "lose":
            self.desk.lose(worker)
        else:
            self.desk.hear(worker, Round([], "interrupted"))

    def _request(self, action, pick):
        trials = self.driver.reader.trials()
        if not trials:
            return
        trial = trials[pick % len(trials)]
        engine, search_id = self.driver.engine, self.driver.reader.id
        if action == "stop" and not trial.state.is_finished:
            post(engine, search_id, Kind.STOP_TRIAL, {"trial": trial.number})
        elif action == "retry" and trial.state.is_finished and self._num_retries < 2:
            self._num_retries += 1
            post_point(engine, search_id, dict(trial.params), retries=trial.number)

    def check_knowledge(self):
        """What the next driver's sampler would know is what this one's does."""
        reader = self.driver.reader
        again = Proposals(reader.record(), read_knowledge(reader))
        ours, theirs = (as_known(proposals) for proposals in (self.driver.proposals, again))
        assert ours == theirs

    def check(self):
        self.close()
        self.start()
        self.desk.look()
        self.workers.serve(self.desk)
        trials = self.driver.writer.trials()
        assert [trial.number for trial in trials] == list(range(NUM_TRIALS + self._num_retries))
        assert all(trial.state.is_finished for trial in trials)
        told = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
        states = [told[state] for state in self.driver.optuna_states()]
        assert states == [trial.state.value for trial in trials]
        self.check_knowledge()
        for trial in trials:
            epochs = [item.epoch for item in trial.measurements]
            assert epochs == list(range(1, len(epochs) + 1))
        retried = [trial.origin["retries"] for trial in trials if trial.origin]
        assert len(retried) == self._num_retries
        assert open_requests(self.driver.engine, self.driver.reader.id) == []


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 9)), max_size=30))
def test_every_trial_ends_once_whatever_happens_in_whatever_order(sqlite_url, steps):
    play = Play(sqlite_url)
    try:
        for action, pick in steps:
            play.do(action, pick)
        play.check()
    finally:
        play.close()


def test_a_request_for_a_trial_that_ended_meanwhile_is_done(sqlite_url):
    play = Play(sqlite_url)
    for action in ("ask", "report", "stop", "report", "ask"):
        play.do(action, 0)
    play.check()
    play.close()


@pytest.mark.parametrize("action", ["lose", "interrupt", "crash"])
def test_a_trial_that_was_to_stop_does_not_run_again(sqlite_url, action):
    play = Play(sqlite_url)
    for step in ("ask", "report", "stop", action, "ask"):
        play.do(step, 0)
    assert play.driver.writer.trial(0).reason == "stopped by hand"
    play.check()
    play.close()
