"""Attempts that a desk takes back: for other searches, or to be tried alone."""

import pytest

from search.assignment import Assignment, Round
from search.executor.desk import Desk
from search.study.attempts import read_attempts
from search.trial import TrialState
from tests.search.examples import one_epoch


def outcomes(driver):
    return [(a.trial, a.number, a.outcome) for a in read_attempts(driver.reader)]


class TestSharing:
    def test_those_that_started_last_save_and_wait(self, driver):
        desk = Desk(driver.writer, 5)
        asked: list[Assignment] = []
        desk.on_stop_attempt = asked.append
        tasks = [desk.hand_out(worker) for worker in "abc"]
        assert (desk.num_live, desk.num_wanted) == (3, 5)
        for _ in range(3):  # asked once
            desk.keep(1)
        assert asked == tasks[1:]
        desk.hear("c", one_epoch("interrupted"))
        assert driver.writer.trial(tasks[2].trial).state is TrialState.WAITING
        assert outcomes(driver)[-1] == (tasks[2].trial, 1, "interrupted")
        again = desk.hand_out("c")
        assert (again.trial, again.attempt) == (tasks[2].trial, 2)

    def test_an_attempt_after_it_is_not_asked_because_of_the_first(self, driver):
        desk = Desk(driver.writer, 1)
        asked: list[Assignment] = []
        desk.on_stop_attempt = asked.append
        desk.hand_out("a")
        desk.keep(0)
        desk.hear("a", one_epoch("interrupted"))
        desk.hand_out("a")
        desk.keep(1)
        assert [task.attempt for task in asked] == [1]

    def test_with_room_for_all_nobody_is_asked(self, driver):
        desk = Desk(driver.writer, 3)
        desk.on_stop_attempt = lambda task: pytest.fail(f"{task} was asked")
        desk.hand_out("a")
        desk.keep(1)


class TestOutOfMemory:
    def test_it_is_tried_once_more_alone(self, driver):
        desk = Desk(driver.writer, 2)
        task = desk.hand_out("a")
        assert not task.is_alone
        desk.hear("a", Round([], "exhausted", "ResourceExhaustedError: OOM"))
        again = desk.hand_out("a")
        assert (again.trial, again.attempt, again.is_alone) == (task.trial, 2, True)
        desk.hear("a", Round([], "exhausted", "ResourceExhaustedError: OOM"))
        ended = driver.writer.trial(task.trial)
        assert (ended.state, ended.reason) == (TrialState.FAILED, "ResourceExhaustedError: OOM")
        assert outcomes(driver) == [(0, 1, "out of memory"), (0, 2, "failed")]
        assert not desk.hand_out("a").is_alone

    def test_a_later_driver_knows_it(self, driver):
        first = Desk(driver.writer, 1)
        first.hand_out("a")
        first.hear("a", Round([], "exhausted", "MemoryError"))
        assert Desk(driver.writer, 1).hand_out("a").is_alone
