"""The desk and the plan of a confirmation, with workers that train nothing."""

import math
import secrets

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.assignment import Round
from search.confirm_plan import Plan
from search.errors import LeaseLostError, SearchError, StoreError
from search.executor.confirm_desk import ConfirmDesk, training_seed
from search.study.confirmations import read_confirmations, write_confirmations
from search.study.database import open_database
from search.study.searches import create_search
from search.trial import Measurement
from tests.confirming import FakeRepeats, figures, plan_of, record_search, row
from tests.contracts.study_driver import Driver
from tests.faults import expire, outage
from tests.search.examples import make_record, make_study, make_trial


class Study:
    """A search with a front, and the drivers that hold it one after another."""

    def __init__(self, url, name, **changes):
        engine = open_database(url)
        create_search(engine, make_study(name=name, **changes), {})
        engine.dispose()
        self.url, self.name = url, name
        self.drivers = []
        record_search(self.next_driver())

    def next_driver(self):
        """Returns a new driver; the one before dies."""
        if self.drivers:
            self.drivers[-1].close()
            expire(self.drivers[-1].engine, self.drivers[-1].reader.id)
        self.drivers.append(Driver(self.url, self.name))
        return self.drivers[-1]


@pytest.fixture
def make(sqlite_url):
    """Makes searches in a database that the module shares."""
    made = []

    def make(**changes):
        made.append(Study(sqlite_url, f"confirm-{secrets.token_hex(6)}", **changes))
        return made[-1]

    yield make
    for study in made:
        study.drivers[-1].close()


@pytest.fixture
def driver(make):
    return make().drivers[-1]


def desk_of(driver, seeds=3, epochs=None, **options):
    return ConfirmDesk(driver.writer, plan_of(driver, seeds, epochs), **options)


class TestWhatIsTrained:
    def test_the_front_and_then_what_its_spread_reaches(self, driver):
        workers = FakeRepeats()
        desk = desk_of(driver)
        workers.serve(desk)
        assert desk.has_everything
        assert workers.order[:4] == [(0, 1), (1, 1), (0, 2), (1, 2)]
        assert {trial for trial, _ in workers.order} == {0, 1, 2}
        assert sorted(workers.order) == sorted((t, k) for t in (0, 1, 2) for k in (1, 2, 3))

    def test_one_training_serves_all_candidates_of_a_trial(self, driver):
        tasks = [desk_of(driver).hand_out("a")]
        assert (tasks[0].trial, tasks[0].repeat, tasks[0].epochs) == (0, 1, [1, 2])
        FakeRepeats().serve(desk_of(driver))
        keys = {row.key for row in read_confirmations(driver.reader)}
        assert {(t, e) for t, _, e in keys} == {(0, 1), (0, 2), (1, 2), (2, 2)}

    def test_other_epochs_are_trained_instead(self, driver):
        assert desk_of(driver, epochs=7).hand_out("a").epochs == [7]
        FakeRepeats().serve(desk_of(driver, epochs=7))
        assert {row.epoch for row in read_confirmations(driver.reader)} == {7}

    def test_seeds_are_of_the_repeat_and_the_trial(self):
        seeds = {training_seed(5, trial, repeat) for trial in range(20) for repeat in range(1, 20)}
        assert len(seeds) == 380
        assert training_seed(5, 3, 2) == training_seed(5, 3, 2) != training_seed(6, 3, 2)

    def test_more_seeds_add_to_what_there_is(self, driver):
        workers = FakeRepeats()
        workers.serve(desk_of(driver, seeds=2))
        before = figures(driver)
        workers.order.clear()
        workers.serve(desk_of(driver, seeds=3))
        assert {repeat for _, repeat in workers.order} == {3}
        assert {key: figures(driver)[key] for key in before} == before
        assert desk_of(driver, seeds=2).is_done

    def test_params_and_attempts_are_told(self, driver):
        task = desk_of(driver).hand_out("a")
        assert task.params == dict(driver.writer.trial(0).params)
        assert task.seed == training_seed(0, 0, 1)

    def test_no_more_trials_join_than_the_front_has(self):
        points = [(5.0, 0.5)] + [(6.0 + number / 100, 0.6) for number in range(8)]
        trials = [make_trial(number, (fid,), (tvd,)) for number, (fid, tvd) in enumerate(points)]
        plan = Plan(make_record(make_study()), trials, 2)
        rows = [row(0, 1, 1, 5.0, 0.5), row(0, 2, 1, 6.0, 0.6)]
        subjects = [(item.label, item.origin) for item in plan.subjects(rows)]
        assert subjects == [("0@1", "front"), ("1@1", "overlap")]

    def test_nothing_joins_before_the_first_two_repeats(self, driver):
        plan = plan_of(driver)
        rows = [row(0, 1, 1, 9, 0.1), row(0, 1, 2, 4, 0.3), row(1, 1, 2, 6, 0.2)]
        assert {item.trial for item in plan.subjects(rows)} == {0, 1}
        rows += [row(0, 2, 1, 8, 0.1), row(0, 2, 2, 5, 0.3), row(1, 2, 2, 7, 0.3)]
        assert {item.trial for item in plan.subjects(rows)} == {0, 1, 2}
        later = [*rows, *(row(1, k, 2, 600.0, 20.0) for k in range(3, 9))]
        assert plan.subjects(later) == plan.subjects(rows)


class TestInterruptions:
    def test_a_lost_worker_goes_on_from_what_it_kept(self, driver):
        desk, workers = desk_of(driver), FakeRepeats()
        first = desk.hand_out("a")
        desk.hear("a", next(workers.rounds(first)))
        desk.lose("a")
        second = desk.hand_out("b")
        assert (second.trial, second.repeat) == (0, 1)
        assert second.attempt > first.attempt
        (report,) = workers.rounds(second)
        assert [item.epoch for item in report.measurements] == [1, 2]
        desk.hear("b", report)
        workers.serve(desk)
        assert desk.has_everything

    def test_attempts_of_later_drivers_are_later(self, make):
        study = make()
        first = desk_of(study.drivers[-1]).hand_out("a")
        second = desk_of(study.next_driver()).hand_out("a")
        assert (first.trial, first.repeat) == (second.trial, second.repeat)
        assert second.attempt > first.attempt

    @settings(
        deadline=None,
        max_examples=8,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(kill_after=st.integers(0, 14), num_workers=st.integers(1, 3))
    def test_a_kill_at_any_time_changes_no_figure(self, make, kill_after, num_workers):
        whole = make()
        FakeRepeats().serve(desk_of(whole.drivers[-1]))
        torn = make()
        workers = FakeRepeats()
        workers.serve(desk_of(torn.drivers[-1]), num_workers, kill_after)
        workers.serve(desk_of(torn.next_driver()), num_workers)
        assert figures(torn.drivers[-1]) == figures(whole.drivers[-1])

    def test_three_fruitless_losses_give_a_repeat_up(self, driver):
        told = []
        desk = desk_of(driver, tell=told.append)
        for worker in "abc":
            task = desk.hand_out(worker)
            assert (task.trial, task.repeat) == (0, 1)
            desk.note_cause(worker, f"killed {worker}")
            desk.lose(worker)
        assert desk.given_up == {(0, 1)}
        event = driver.reader.events()[-1]
        assert event.kind == "confirmation given up"
        assert event.details["reason"].endswith("without a new figure: killed c")
        assert told[-1].ended[-1].reason == event.details["reason"]
        FakeRepeats().serve(desk)
        assert desk.has_everything
        assert (0, 1) not in {row.key[:2] for row in read_confirmations(driver.reader)}
        task = desk_of(driver).hand_out("d")  # the next driver tries again
        assert (task.trial, task.repeat) == (0, 1)

    def test_a_loss_after_a_new_figure_is_forgiven(self, driver):
        desk, workers = desk_of(driver), FakeRepeats()
        for worker in "ab":
            desk.hand_out(worker)
            desk.lose(worker)
        desk.hear("c", next(workers.rounds(desk.hand_out("c"))))
        desk.lose("c")
        for worker in "de":
            desk.hand_out(worker)
            desk.lose(worker)
        assert not desk.given_up

    def test_a_worker_that_ends_unasked_counts_as_lost(self, driver):
        desk = desk_of(driver)
        for worker in "abc":
            desk.hand_out(worker)
            desk.hear(worker, Round([], "interrupted"))
        assert desk.given_up == {(0, 1)}

    def test_a_closed_desk_hands_nothing_out_and_still_listens(self, driver):
        desk = desk_of(driver)
        task = desk.hand_out("a")
        desk.close()
        assert desk.hand_out("b") is None
        assert not desk.is_done
        kept = [Measurement(1, {"fid": 9.0, "tvd": 0.1}, 1.0, task.attempt)]
        desk.hear("a", Round(kept, "interrupted"))
        assert desk.is_done
        assert not desk.has_everything
        assert [row.key for row in read_confirmations(driver.reader)] == [(0, 1, 1)]

    def test_what_is_still_out_when_tune_ends_is_forgotten(self, driver):
        desk = desk_of(driver)
        desk.hand_out("a")
        desk.end()
        assert desk.is_done
        assert not desk.given_up


class TestFailures:
    def test_a_training_that_fails_is_recorded_once_and_not_tried_again(self, driver):
        workers = FakeRepeats(fails=lambda task: (task.trial, task.repeat) == (1, 2))
        desk = desk_of(driver)
        workers.serve(desk)
        assert desk.has_everything
        found = {item.key: item for item in read_confirmations(driver.reader)}
        assert all(math.isnan(value) for value in found[1, 2, 2].metrics.values())
        events = [e for e in driver.reader.events() if e.kind == "confirmation failed"]
        assert [event.details["repeat"] for event in events] == [2]
        assert desk_of(driver).is_done

    def test_what_was_measured_before_it_failed_stays(self, driver):
        desk = desk_of(driver)
        task = desk.hand_out("a")
        measured = Measurement(1, {"fid": 9.5, "tvd": 0.11}, 1.0, task.attempt)
        desk.hear("a", Round([measured]))
        desk.hear("a", Round([], "failed", "the loss became nan in epoch 2"))
        found = {item.key: item.metrics["fid"] for item in read_confirmations(driver.reader)}
        assert found[0, 1, 1] == 9.5
        assert math.isnan(found[0, 1, 2])

    def test_a_search_whose_trainings_all_fail_ends(self, driver):
        desk = desk_of(driver)
        FakeRepeats(fails=lambda _: True).serve(desk, num_workers=2)
        assert desk.has_everything
        assert {row.trial for row in read_confirmations(driver.reader)} == {0, 1}

    def test_a_figure_that_is_missing_counts_as_failed(self, driver):
        FakeRepeats(metrics=lambda task, epoch: {"fid": 1.0}).serve(desk_of(driver))
        plan = plan_of(driver)
        rows = read_confirmations(driver.reader)
        values = [plan.values(item, rows) for item in plan.subjects(rows)]
        assert all(math.isnan(value) for value in values[0].ravel())

    def test_a_store_that_refuses_ends_it_gently(self, driver):
        told = []
        desk = desk_of(driver, on_error=lambda: told.append("end"))
        desk.hand_out("a"), desk.hand_out("b")
        for worker in "ab":
            desk.hear(worker, Round([], "blocked", "Cannot write: disk full."))
        assert desk.is_done
        assert isinstance(desk.error, StoreError)
        assert str(desk.error) == "Cannot write: disk full. Nothing measured is lost."
        assert told == ["end"]
        assert not desk.given_up

    def test_a_search_taken_over_ends_the_desk(self, make):
        study = make()
        desk, workers = desk_of(study.drivers[-1]), FakeRepeats()
        task = desk.hand_out("a")
        expire(study.drivers[-1].engine, study.drivers[-1].reader.id)
        other = Driver(study.url, study.name)
        desk.hear("a", next(workers.rounds(task)))
        assert isinstance(desk.error, LeaseLostError)
        assert desk.is_closed
        assert read_confirmations(other.reader) == []
        other.close()

    @pytest.mark.parametrize("after", range(0, 24, 6))
    def test_an_outage_is_waited_for_and_leaves_no_trace(self, make, monkeypatch, after):
        monkeypatch.setattr("search.study.outages.time.sleep", lambda _: None)
        whole, torn = make().drivers[-1], make().drivers[-1]
        FakeRepeats().serve(desk_of(whole))
        desk = desk_of(torn)
        with outage(torn.engine, after=after, length=2):
            FakeRepeats().serve(desk)
        assert desk.error is None
        assert figures(torn) == figures(whole)

    def test_an_outage_that_lasts_is_reported(self, driver):
        desk = desk_of(driver, patience=0.0)
        task = desk.hand_out("a")
        with outage(driver.engine):
            desk.hear("a", next(FakeRepeats().rounds(task)))
        assert desk.is_closed
        assert isinstance(desk.error, SearchError)
        assert "study database does not answer" in str(desk.error)


def test_what_was_confirmed_of_an_older_front_stays_in_sight(driver):
    write_confirmations(driver.reader, [row(3, 1, 1, 91.0, 0.9), row(0, 1, 1, 9.0, 0.1)])
    plan, rows = plan_of(driver), read_confirmations(driver.reader)
    shown = {item.label: item.origin for item in plan.recorded(rows)}
    assert shown == {"0@1": "front", "3@1": "other"}
    assert {trial for trial, _ in plan.missing(rows)} == {0, 1}


def test_progress_tells_the_figures_of_this_confirmation_alone(driver):
    told = []
    FakeRepeats().serve(desk_of(driver, seeds=1))
    FakeRepeats().serve(desk_of(driver, seeds=1, epochs=7, tell=told.append))
    assert {epoch for ended in told[-1].ended for epoch in ended.figures} == {7}


def test_progress_counts_what_is_left(driver):
    told = []
    workers = FakeRepeats()
    workers.serve(desk_of(driver, seeds=2, tell=told.append))
    assert (told[0].num_recorded, told[0].num_wanted) == (0, 4)
    assert (told[-1].num_recorded, told[-1].num_wanted) == (6, 6)  # a trial has joined
    assert [len(state.ended) for state in told][-1] == 6
    assert told[-1].running == []
    assert any(state.seconds_left is not None for state in told)
