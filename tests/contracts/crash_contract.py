"""A crash between any two commits changes no result, on every study database."""

from typing import Any

import pytest

from search.executor.desk import Desk
from tests.contracts.study_driver import StudyFixtures, fake_metrics
from tests.faults import CommitCounter, Crash, FakeWorkers, expire


class CrashContract(StudyFixtures):
    crash_step = 1  # try a crash at every one of so many commits

    def test_mending_leaves_nothing_running(self, driver):
        writer = driver.writer
        writer.start_attempt(writer.new_trial())
        writer.new_trial()
        writer.mend()
        assert [trial.state.value for trial in writer.trials()] == ["waiting", "waiting"]
        writer.mend()
        assert [trial.num_attempts for trial in writer.trials()] == [1, 0]

    def test_asking_again_for_a_number_gives_the_same(self, driver):
        first = driver.proposals.ask(0)
        assert driver.proposals.ask(0) == first
        assert driver.writer.new_trial().params == first

    @pytest.mark.parametrize("sampler", ["random", "tpe"])
    def test_a_crash_at_any_commit_changes_no_result(self, create, drive, sampler):
        whole, total = self._run(create(sampler=sampler), drive, CommitCounter())
        assert total >= 10  # a trial proposed, begun, measured twice and ended takes five
        for crash_at in range(1, total + 1, self.crash_step if sampler == "random" else 11):
            name = create(sampler=sampler)
            found, _ = self._run(name, drive, CommitCounter(crash_at))
            assert found == whole, f"after a crash at commit {crash_at} of {total}"

    @staticmethod
    def _run(name: str, drive: Any, commits: CommitCounter) -> tuple[Any, int]:
        """Runs a search to its end, starting again after a crash; returns what it holds then."""
        workers = FakeWorkers(2, fake_metrics)
        driver = drive(name, commits)
        try:
            workers.serve(Desk(driver.writer, 2))
        except Crash:
            commits.crash_at = None
            expire(driver.engine, driver.reader.id)
            driver.close()
            driver = drive(name)
            driver.writer.mend()
            workers.serve(Desk(driver.writer, 2))
        found = [
            (t.number, t.params, t.seed, t.state, t.reason, [m.metrics for m in t.measurements])
            for t in driver.writer.trials()
        ]
        total = commits.count
        states = driver.optuna_states()
        driver.close()
        return (repr(found), states), total
