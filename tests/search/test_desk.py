"""The driver's desk, with workers that train nothing."""

import pytest

from search.assignment import Assignment, Round
from search.errors import LeaseLostError, SearchError, StoreError
from search.executor.desk import Desk
from search.study.database import open_database
from search.study.lease import Lease
from search.trial import TrialState
from tests.contracts.study_driver import Driver, fake_metrics
from tests.faults import FakeWorkers, expire
from tests.search.examples import make_study, one_epoch


def test_every_trial_is_run_exactly_once(driver):
    desk = Desk(driver.writer, 5)
    FakeWorkers(2, fake_metrics).serve(desk, num_workers=3)
    trials = driver.writer.trials()
    assert [trial.number for trial in trials] == [0, 1, 2, 3, 4]
    assert all(trial.state.is_finished and trial.num_attempts == 1 for trial in trials)
    assert all(trial.last_epoch == 2 for trial in trials)
    assert desk.has_everything
    assert "RUNNING" not in driver.optuna_states()


def test_lost_trials_come_back_first_and_new_ones_last(driver):
    desk = Desk(driver.writer, 4)
    first, second = desk.hand_out("a"), desk.hand_out("b")
    desk.hear("a", Round([], "interrupted"))
    desk.lose("b")
    order = [desk.hand_out(worker) for worker in "cde"]
    assert [item.trial for item in order] == [second.trial, first.trial, 2]
    assert [item.attempt for item in order] == [2, 2, 1]
    assert order[1].params == first.params


def test_a_lost_worker_is_lost_once(driver):
    desk = Desk(driver.writer, 1)
    desk.hand_out("a")
    desk.lose("a")
    desk.lose("a")
    assert desk.hand_out("b") is not None
    assert desk.hand_out("c") is None
    assert not desk.is_done


def test_the_cause_of_a_third_death_is_the_reason(driver):
    desk = Desk(driver.writer, 1)
    for worker in "abc":
        desk.hand_out(worker)
        desk.note_cause(worker, f"killed {worker}")
        desk.lose(worker)
    assert desk.is_done
    assert desk.has_everything
    assert driver.writer.trial(0).reason.endswith("without a new epoch: killed c")


@pytest.mark.parametrize("driver", [{"budget": {"trials": 3, "epochs": 2}}], indirect=True)
def test_an_extension_runs_only_what_is_new(driver):
    workers = FakeWorkers(2, fake_metrics)
    workers.serve(Desk(driver.writer, 3))
    before = driver.writer.trials()
    workers.serve(Desk(driver.writer, 7))
    after = driver.writer.trials()
    assert after[:3] == before
    assert [trial.number for trial in after[3:]] == [3, 4, 5, 6]
    assert Desk(driver.writer, 7).is_done


GRID = {"latent_dim": {"type": "int", "low": 2, "high": 5}, "beta": {"type": "categorical"}}
GRID["beta"]["choices"] = [0.1, 1.0]


@pytest.mark.parametrize("driver", [{"space": GRID, "sampler": "grid"}], indirect=True)
def test_a_grid_ends_when_every_point_was_tried(driver):
    desk = Desk(driver.writer, 100)
    FakeWorkers(1, fake_metrics).serve(desk)
    points = [tuple(trial.params.values()) for trial in driver.writer.trials()]
    assert len(points) == len(set(points)) == 8
    assert desk.has_everything


@pytest.mark.parametrize("driver", [{"space": GRID, "sampler": "grid"}], indirect=True)
def test_a_grid_after_another_sampler_is_still_whole(driver, sqlite_url):
    name = driver.reader.record().name
    config = make_study(name=name, space=GRID, sampler="random")
    driver.writer.change_config(config, "changed", {})
    driver.lease.release()
    other = Driver(sqlite_url, name)
    FakeWorkers(1, fake_metrics).serve(Desk(other.writer, 3))
    grid = make_study(name=name, space=GRID, sampler="grid")
    other.writer.change_config(grid, "changed", {})
    other.lease.release()
    last = Driver(sqlite_url, name)
    FakeWorkers(1, fake_metrics).serve(Desk(last.writer, 100))
    points = {tuple(trial.params.values()) for trial in last.writer.trials()}
    other.close(), last.close()
    assert len(points) == 8


def test_a_store_that_refuses_ends_the_search_gently(driver):
    desk = Desk(driver.writer, 3)
    desk.hand_out("a"), desk.hand_out("b")
    desk.hear("a", one_epoch("blocked", "Cannot write: disk full."))
    assert desk.hand_out("c") is None
    assert not desk.is_done
    desk.hear("b", one_epoch("interrupted"))
    assert desk.is_done
    assert not desk.has_everything
    assert [trial.state.value for trial in driver.writer.trials()] == ["waiting", "waiting"]
    assert isinstance(desk.error, StoreError)
    assert str(desk.error) == "Cannot write: disk full. Nothing measured is lost."


def test_a_closed_desk_hands_nothing_out_and_still_listens(driver):
    desk = Desk(driver.writer, 3)
    desk.hand_out("a")
    desk.close()
    assert desk.hand_out("b") is None
    desk.hear("a", one_epoch("interrupted"))
    assert desk.is_done
    assert driver.writer.trial(0).last_epoch == 1


def test_a_search_taken_over_ends_the_desk(driver, sqlite_url):
    desk = Desk(driver.writer, 3)
    desk.hand_out("a")
    expire(driver.engine, driver.reader.id)
    other = Driver(sqlite_url, driver.reader.record().name)
    desk.hear("a", one_epoch("complete"))
    assert isinstance(desk.error, LeaseLostError)
    assert desk.is_done
    assert other.writer.trial(0).state is TrialState.RUNNING
    other.close()


def test_what_travels_comes_back_the_same():
    assignment = Assignment(3, 2, {"widths": [1, 2], "beta": 0.1, "variance": None}, 7)
    assert Assignment.from_json(assignment.to_json()) == assignment
    report = one_epoch("failed", "why")
    assert Round.from_json(report.to_json()) == report


def test_another_process_may_not_take_a_search_that_runs(driver):
    with pytest.raises(SearchError, match="is run by process"):
        Lease.take(open_database(str(driver.engine.url)), driver.reader.id)


def test_a_worker_that_ends_unasked_counts_as_lost(driver):
    desk = Desk(driver.writer, 1)
    for worker in "abc":
        desk.hand_out(worker)
        desk.hear(worker, Round([], "interrupted"))
    assert desk.hand_out("d") is None
    assert driver.writer.trial(0).state is TrialState.FAILED
    assert desk.is_done


def test_an_error_tells_the_workers_once(driver):
    told = []
    desk = Desk(driver.writer, 2, on_error=lambda: told.append("end"))
    for worker in "ab":
        desk.hand_out(worker)
    for worker in "ab":
        desk.hear(worker, Round([], "blocked", "Cannot write: disk full."))
    assert told == ["end"]
    assert {trial.state for trial in driver.writer.trials()} == {TrialState.WAITING}


def test_what_is_still_out_when_tune_ends_waits_for_the_next_driver(driver):
    desk = Desk(driver.writer, 2)
    desk.hand_out("a")
    desk.close()
    desk.end()
    assert desk.is_done
    assert driver.writer.trial(0).state is TrialState.WAITING
