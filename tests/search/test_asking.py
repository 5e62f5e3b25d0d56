"""Trials that are proposed ahead of time, so that no worker waits for its sampler."""

import threading

import pytest

from search.executor import desk as desk_module
from search.executor import trial_queue
from search.executor.asking import Asker
from search.executor.desk import Desk
from search.study.database import open_database
from search.study.requests import Kind, post, post_point
from search.study.searches import create_search
from tests.contracts.study_driver import Driver, fake_metrics
from tests.faults import FakeWorkers, outage
from tests.search.examples import make_study, make_trial

DEADLINE_SECONDS = 30.0


@pytest.fixture
def driver(sqlite_url, request):
    engine = open_database(sqlite_url)
    name = f"ask-{id(request):x}"
    create_search(engine, make_study(name=name), {})
    driver = Driver(sqlite_url, name)
    yield driver
    driver.close()
    engine.dispose()


class SlowSampler:
    """Proposes only when it is allowed to."""

    def __init__(self, driver, monkeypatch):
        self._ask = driver.proposals.ask
        self._allowed = threading.Semaphore(0)
        self.threads = []
        monkeypatch.setattr(driver.proposals, "ask", self)

    def __call__(self, *arguments):
        self.threads.append(threading.current_thread().name)
        assert self._allowed.acquire(timeout=DEADLINE_SECONDS)
        return self._ask(*arguments)

    def allow(self, count=1):
        self._allowed.release(count)


def handed_out(desk, worker):
    """Waits for the next assignment, as Tune does."""
    pause = threading.Event()
    for _ in range(int(DEADLINE_SECONDS / 0.01)):
        if (assignment := desk.hand_out(worker)) is not None:
            return assignment
        pause.wait(0.01)
    raise AssertionError("nothing was handed out")


def taken(asker):
    """Waits for the next trial."""
    pause = threading.Event()
    while (trial := asker.take()) is None:
        pause.wait(0.01)
    return trial


def test_a_worker_is_never_kept_waiting_inside_of_the_driver(driver, monkeypatch):
    sampler = SlowSampler(driver, monkeypatch)
    desk = Desk(driver.writer, 5, num_workers=2)
    sampler.allow()
    assert handed_out(desk, "a").trial == 0
    monkeypatch.setattr(desk_module, "_PROPOSAL_SECONDS", 1e9)
    assert desk.hand_out("b") is None  # at once, although the sampler answers nobody
    assert not desk.is_done
    sampler.allow(5)
    assert handed_out(desk, "b").trial == 1
    assert set(sampler.threads) == {"asker"}
    desk.end()


def test_the_next_trial_is_ready_before_a_worker_is_free(driver, monkeypatch):
    monkeypatch.setattr(trial_queue, "_SLOW_SECONDS", -1.0)  # every sampler is slow
    sampler = SlowSampler(driver, monkeypatch)
    desk = Desk(driver.writer, 9, num_workers=2)
    sampler.allow(4)  # two that run, and one ahead for each worker
    handed_out(desk, "a")
    handed_out(desk, "b")
    handed_out(desk, "c")
    handed_out(desk, "d")
    assert desk.hand_out("e") is None
    sampler.allow(5)
    desk.end()


def test_a_single_worker_has_its_sampler_know_all_that_was_measured(driver, monkeypatch):
    sampler = SlowSampler(driver, monkeypatch)
    sampler.allow(3)
    FakeWorkers(2, fake_metrics).serve(Desk(driver.writer, 3), num_workers=1)
    assert set(sampler.threads) == {"MainThread"}


def test_there_are_as_many_trials_as_wanted_and_no_more(driver):
    desk = Desk(driver.writer, 7, num_workers=3)
    FakeWorkers(2, fake_metrics).serve(desk, num_workers=3)
    desk.end()
    trials = driver.writer.trials()
    assert [trial.number for trial in trials] == list(range(7))
    assert all(trial.state.is_finished and trial.num_attempts == 1 for trial in trials)


def test_what_people_ask_for_comes_before_what_was_proposed_ahead(driver):
    desk = Desk(driver.writer, 9, num_workers=2)
    handed_out(desk, "a")
    handed_out(desk, "b")
    post_point(driver.engine, driver.reader.id, {"latent_dim": 13, "beta": 0.5})
    desk.look()
    found = [handed_out(desk, worker) for worker in "cde"]
    assert {"latent_dim": 13, "beta": 0.5} in [assignment.params for assignment in found[:2]]
    desk.end()


def test_while_nothing_runs_a_proposal_is_waited_for(driver, monkeypatch):
    sampler = SlowSampler(driver, monkeypatch)
    desk = Desk(driver.writer, 5, num_workers=2)
    monkeypatch.setattr(desk_module, "_PROPOSAL_SECONDS", DEADLINE_SECONDS)
    threading.Timer(0.2, sampler.allow, [5]).start()
    assert desk.hand_out("a").trial == 0
    desk.end()


def test_a_trial_that_was_proposed_ahead_can_be_stopped(driver, monkeypatch):
    monkeypatch.setattr(trial_queue, "_SLOW_SECONDS", -1.0)  # so that some are
    desk = Desk(driver.writer, 9, num_workers=2)
    handed_out(desk, "a")
    handed_out(desk, "b")
    ahead = 2
    pause = threading.Event()
    while len(driver.reader.trials()) <= ahead:
        pause.wait(0.01)
    post(driver.engine, driver.reader.id, Kind.STOP_TRIAL, {"trial": ahead})
    while not driver.reader.trials(ahead)[0].state.is_finished:
        desk._next_look = 0.0
        desk.look()
        pause.wait(0.01)
    assert driver.writer.trial(ahead).reason == "stopped by hand"
    desk.end()


@pytest.mark.parametrize("after", range(0, 24, 5))
def test_an_outage_of_the_database_loses_and_doubles_no_trial(driver, after):
    desk = Desk(driver.writer, 4, num_workers=2)
    with outage(driver.engine, after=after, length=2):
        FakeWorkers(2, fake_metrics).serve(desk, num_workers=2)
    desk.end()
    assert desk.error is None
    trials = driver.writer.trials()
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert all(trial.state.is_finished for trial in trials)
    assert "RUNNING" not in driver.optuna_states()


def test_an_error_is_raised_where_the_trial_is_wanted():
    def fail():
        raise ValueError("no idea")

    asker = Asker(fail)
    asker.order()
    with pytest.raises(ValueError, match="no idea"):
        taken(asker)
    assert asker.num_ordered == 0
    asker.close()


def test_what_was_ordered_and_not_begun_is_forgotten():
    begun, allowed = threading.Event(), threading.Event()

    def make():
        begun.set()
        assert allowed.wait(DEADLINE_SECONDS)
        return make_trial()

    asker = Asker(make)
    for _ in range(3):
        asker.order()
    assert begun.wait(DEADLINE_SECONDS)
    closing = threading.Thread(target=asker.close)
    closing.start()
    assert asker._closed.wait(DEADLINE_SECONDS)
    allowed.set()
    closing.join()
    assert asker.take() is not None
    assert asker.take() is None
