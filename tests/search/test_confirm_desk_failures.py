"""The desk of a confirmation where trainings fail or the database does, and what it tells."""

import math

import pytest

from search.assignment import Round
from search.errors import LeaseLostError, SearchError, StoreError
from search.study.confirmations import read_confirmations, write_confirmations
from search.trial import Measurement
from tests.confirming import ConfirmFixtures, FakeRepeats, desk_of, figures, plan_of, row
from tests.contracts.study_driver import Driver
from tests.faults import expire, outage


class TestFailures(ConfirmFixtures):
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


class TestWhatItTells(ConfirmFixtures):
    def test_what_was_confirmed_of_an_older_front_stays_in_sight(self, driver):
        write_confirmations(driver.reader, [row(3, 1, 1, 91.0, 0.9), row(0, 1, 1, 9.0, 0.1)])
        plan, rows = plan_of(driver), read_confirmations(driver.reader)
        shown = {item.label: item.origin for item in plan.recorded(rows)}
        assert shown == {"0@1": "front", "3@1": "other"}
        assert {trial for trial, _ in plan.missing(rows)} == {0, 1}

    def test_progress_tells_the_figures_of_this_confirmation_alone(self, driver):
        told = []
        FakeRepeats().serve(desk_of(driver, seeds=1))
        FakeRepeats().serve(desk_of(driver, seeds=1, epochs=7, tell=told.append))
        assert {epoch for ended in told[-1].ended for epoch in ended.figures} == {7}

    def test_progress_counts_what_is_left(self, driver):
        told = []
        workers = FakeRepeats()
        workers.serve(desk_of(driver, seeds=2, tell=told.append))
        assert (told[0].num_recorded, told[0].num_wanted) == (0, 4)
        assert (told[-1].num_recorded, told[-1].num_wanted) == (6, 6)  # a trial has joined
        assert [len(state.ended) for state in told][-1] == 6
        assert told[-1].running == []
        assert any(state.seconds_left is not None for state in told)
