"""Steering a search from other processes, and spaces that grow, on every study database."""

from typing import Any

import optuna
import pytest

from search.executor.desk import Desk
from search.growing import grown
from search.study.knowledge import read_knowledge
from search.study.requests import (
    Kind,
    mark_handled,
    open_requests,
    post,
    post_point,
    withdraw_stop_requests,
)
from search.study.searches import create_search
from search.study.spaces import frozen
from search.trial import TrialState
from tests.contracts.study_driver import StudyFixtures, fake_metrics, measured
from tests.faults import CommitCounter, Crash, FakeWorkers, expire
from tests.search.examples import SPACE, make_study

VARIANTS = {"variant": {"type": "categorical", "choices": ["vae", "ae"]}}


def optuna_study(driver: Any) -> optuna.Study:
    return driver.proposals._study


def run_trial(driver: Any, state: TrialState = TrialState.COMPLETE) -> int:
    trial = driver.writer.new_trial()
    driver.writer.start_attempt(trial)
    driver.writer.record(trial.number, 1, [measured(1, 10.0 + trial.number)])
    driver.writer.finish(trial.number, 1, state)
    return trial.number


class SteeringContract(StudyFixtures):
    crash_step = 1

    def test_requests_wait_in_their_order_until_they_are_handled(self, driver):
        engine, search_id = driver.engine, driver.reader.id
        post(engine, search_id, Kind.STOP_TRIAL, {"trial": 3})
        post_point(engine, search_id, {"beta": 0.5})
        post(engine, search_id, Kind.STOP)
        withdraw_stop_requests(engine, open_requests(engine, search_id))
        found = open_requests(engine, search_id)
        assert [item.kind for item in found] == [Kind.STOP_TRIAL, Kind.ENQUEUE]
        assert found[0].payload == {"trial": 3}
        mark_handled(engine, found)
        assert open_requests(engine, search_id) == []

    def test_an_enqueued_point_comes_next_and_says_so(self, create, drive):
        driver = drive(create(first_trials=[{"latent_dim": 4, "beta": 0.5}]))
        post_point(driver.engine, driver.reader.id, {"latent_dim": 9})
        trials = [driver.writer.new_trial() for _ in range(3)]
        assert [trial.params["latent_dim"] for trial in trials][:2] == [9, 4]
        assert [trial.origin for trial in trials] == [{"enqueued": True}, None, None]
        assert open_requests(driver.engine, driver.reader.id) == []
        assert driver.reader.trials() == trials

    def test_a_retry_is_a_new_trial_on_top_of_the_budget(self, create, drive):
        driver = drive(create(budget={"trials": 2, "epochs": 2}))
        first = driver.writer.new_trial()
        post_point(driver.engine, driver.reader.id, dict(first.params), retries=0)
        again = driver.writer.new_trial()
        assert (again.params, again.origin) == (first.params, {"retries": 0})
        assert again.seed != first.seed
        assert driver.reader.record().num_trials == 3
        driver.writer.mend()
        FakeWorkers(2, fake_metrics).serve(Desk(driver.writer, 2))
        assert len(driver.writer.trials()) == 3

    def test_retries_come_before_points_that_use_up_the_budget(self, create, drive):
        driver = drive(create(budget={"trials": 1, "epochs": 1}))
        workers = FakeWorkers(1, lambda *_: {"fid": 1.0, "tvd": 0.5})
        workers.serve(Desk(driver.writer, 1))
        post_point(driver.engine, driver.reader.id, {"latent_dim": 9})
        post_point(driver.engine, driver.reader.id, {"latent_dim": 3, "beta": 0.5}, retries=0)
        workers.serve(Desk(driver.writer, 1))
        assert [trial.origin for trial in driver.writer.trials()] == [None, {"retries": 0}]
        workers.serve(Desk(driver.writer, 2))
        assert driver.writer.trial(2).params["latent_dim"] == 9

    def test_a_grid_grows_by_what_people_add(self, create, drive):
        space = {"variant": VARIANTS["variant"]}
        driver = drive(create(space=space, sampler="grid", budget={"trials": 9, "epochs": 1}))
        workers = FakeWorkers(1, lambda *_: {"fid": 1.0, "tvd": 0.5})
        workers.serve(Desk(driver.writer, 9))
        desk = Desk(driver.writer, 9)
        assert desk.has_everything
        post_point(driver.engine, driver.reader.id, {"variant": "ae"}, retries=0)
        desk = Desk(driver.writer, 9)
        assert not desk.has_everything
        workers.serve(desk)
        found = [trial.params["variant"] for trial in driver.writer.trials()]
        assert sorted(found) == ["ae", "ae", "vae"]
        assert desk.has_everything

    def test_a_crash_at_any_commit_loses_and_doubles_no_request(self, create, drive):
        for crash_at in range(1, 24, self.crash_step + 2):
            name = create(sampler="tpe", budget={"trials": 3, "epochs": 1})
            commits = CommitCounter(crash_at)
            driver = drive(name, commits)
            engine, search_id = driver.engine, driver.reader.id
            workers = FakeWorkers(1, fake_metrics)
            try:
                post_point(engine, search_id, {"latent_dim": 11, "beta": 0.25})
                post_point(engine, search_id, {"latent_dim": 3, "beta": 0.125}, retries=7)
                workers.serve(Desk(driver.writer, 3))
            except Crash:
                commits.crash_at = None
                expire(engine, search_id)
                driver.close()
                driver = drive(name)
                driver.writer.mend()
                workers.serve(Desk(driver.writer, 3))
            asked = [t.params for t in driver.writer.trials() if t.origin]
            posted = [{"latent_dim": 11, "beta": 0.25}, {"latent_dim": 3, "beta": 0.125}]
            assert all(asked.count(params) <= 1 for params in posted), "tried twice"
            assert all(params in posted for params in asked)
            assert len(asked) == 2 or crash_at < 3, f"after a crash at commit {crash_at}"
            driver.close()

    # Trials that a person stops

    def test_a_waiting_trial_is_ended_at_once(self, driver):
        trial = driver.writer.new_trial()
        desk = Desk(driver.writer, 3)
        post(driver.engine, driver.reader.id, Kind.STOP_TRIAL, {"trial": trial.number})
        desk.look()
        ended = driver.writer.trial(0)
        assert (ended.state, ended.reason) == (TrialState.PRUNED, "stopped by hand")
        assert driver.optuna_states() == ["PRUNED"]
        assert open_requests(driver.engine, driver.reader.id) == []
        assert [event.details["trial"] for event in driver.reader.events()] == [0]

    def test_a_running_trial_ends_when_its_worker_has_saved(self, driver):
        desk = Desk(driver.writer, 3)
        told: list[int] = []
        desk.on_stop_attempt = lambda task: told.append(task.trial)
        assignment = desk.hand_out("a")
        post(driver.engine, driver.reader.id, Kind.STOP_TRIAL, {"trial": assignment.trial})
        desk.look()
        assert told == [assignment.trial]
        workers = FakeWorkers(2, fake_metrics)
        first = next(workers.rounds(assignment))
        desk.hear("a", type(first)(first.measurements, "interrupted"))
        ended = driver.writer.trial(assignment.trial)
        assert (ended.state, ended.last_epoch) == (TrialState.PRUNED, 1)
        assert open_requests(driver.engine, driver.reader.id) == []
        assert desk.hand_out("a").trial == assignment.trial + 1

    def test_a_trial_that_ends_by_itself_first_stays_complete(self, driver):
        desk = Desk(driver.writer, 1)
        assignment = desk.hand_out("a")
        rounds = FakeWorkers(1, lambda *_: {"fid": 1.0, "tvd": 0.5}).rounds(assignment)
        desk.hear("a", next(rounds))
        post(driver.engine, driver.reader.id, Kind.STOP_TRIAL, {"trial": 0})
        desk.look()
        assert driver.writer.trial(0).state is TrialState.COMPLETE
        assert open_requests(driver.engine, driver.reader.id) == []

    # Spaces that grow

    @pytest.fixture
    def grown_driver(self, create, drive):
        """A search whose space grew after trials in every state, and its driver before."""
        name = create(space={**SPACE, **VARIANTS}, sampler="tpe")
        before = drive(name)
        for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED):
            run_trial(before, state)
        before.writer.start_attempt(before.writer.new_trial())  # runs
        before.writer.new_trial()  # waits
        before.proposals.ask(5)  # proposed, and not recorded before the crash: never was
        record = before.reader.record()
        config = grown(record.config, {"beta": (None, 8.0)}, {"variant": ["sbvae"]})
        before.writer.grow(config, {**record.identity, "space": "new"}, {"beta": [None, 8.0]})
        old = optuna_study(before).get_trials()
        expire(before.engine, before.reader.id)
        before.close()
        after = drive(name)
        after.writer.mend()
        return old, after

    def test_old_trials_keep_counting_in_a_larger_space(self, grown_driver):
        old, after = grown_driver
        record = after.reader.record()
        assert (record.generation, record.identity["space"]) == (1, "new")
        assert [event.kind for event in after.reader.events()] == ["space grown"]
        new = optuna_study(after).get_trials()
        assert [t.state.name for t in new] == ["COMPLETE", "PRUNED", "FAIL", "RUNNING", "RUNNING"]
        for one, other in zip(old[:2] + old[3:5], new[:2] + new[3:], strict=True):
            assert (one.params, one.values) == (other.params, other.values)
        assert new[0].distributions["beta"].high == 8.0
        assert new[0].distributions["variant"].choices == ("vae", "ae", "sbvae")

    def test_a_grown_search_runs_on_to_its_end(self, grown_driver):
        _, after = grown_driver
        FakeWorkers(2, fake_metrics).serve(Desk(after.writer, 30))
        trials = after.writer.trials()
        assert [trial.number for trial in trials] == list(range(30))
        assert all(trial.state.is_finished for trial in trials)
        assert "RUNNING" not in after.optuna_states()
        assert any(trial.params["variant"] == "sbvae" for trial in trials)

    def test_a_crash_while_it_grows_changes_nothing(self, create, drive):
        for crash_at in range(1, 30, 3 * self.crash_step + 3):
            name = create(space={**SPACE, **VARIANTS})
            commits = CommitCounter()
            driver = drive(name, commits)
            run_trial(driver)
            config = grown(driver.reader.record().config, {}, {"variant": ["sbvae"]})
            commits.count, commits.crash_at = 0, crash_at
            try:
                driver.writer.grow(config, {}, {})
            except Crash:
                commits.crash_at = None
                assert driver.reader.record().generation == 0
                driver.writer.grow(config, {}, {})
            expire(driver.engine, driver.reader.id)
            driver.close()
            after = drive(name)
            assert after.writer.new_trial().number == 1
            assert after.optuna_states() == ["COMPLETE", "RUNNING"]
            after.close()

    # Forks

    def test_a_fork_begins_with_what_is_known(self, create, drive):
        source = drive(create(sampler="tpe"))
        for state in (TrialState.COMPLETE, TrialState.FAILED, TrialState.PRUNED):
            run_trial(source, state)
        source.writer.new_trial()
        config = make_study(name=f"{source.reader.name}-child", sampler="random")
        known = read_knowledge(source.reader).ended
        assert len(known) == 3
        create_search(source.engine, config, {}, known=known, history=("forked", {}))
        child = drive(config.name)
        assert child.reader.trials() == []
        assert child.optuna_states() == ["COMPLETE", "FAIL", "PRUNED"]
        assert [event.kind for event in child.reader.events()] == ["forked"]
        trial = child.writer.new_trial()
        assert trial.number == 0
        assert trial.seed != source.writer.trial(0).seed
        assert trial.params != source.writer.trial(0).params
        FakeWorkers(2, fake_metrics).serve(Desk(child.writer, 4))
        assert len(child.writer.trials()) == 4
        assert child.optuna_states()[3:] == [
            "COMPLETE" if t.state is TrialState.COMPLETE else "FAIL" for t in child.writer.trials()
        ]

    @pytest.mark.parametrize("sampler", ["quasi-random", "grid", "auto"])
    def test_a_fork_and_a_grown_space_propose_nothing_again(self, create, drive, sampler):
        space = {"latent_dim": {"type": "int", "low": 1, "high": 12}}
        source = drive(create(sampler=sampler, space=space, budget={"trials": 5, "epochs": 1}))
        seen = [source.writer.trial(run_trial(source)).params["latent_dim"] for _ in range(5)]
        config = make_study(
            name=f"{source.reader.name}-child",
            sampler=sampler,
            space=space,
            budget={"trials": 4, "epochs": 1},
        )
        known = read_knowledge(source.reader).ended
        create_search(source.engine, config, {}, known=known)
        child = drive(config.name)
        new = [child.writer.trial(run_trial(child)).params["latent_dim"] for _ in range(4)]
        assert new != seen[:4]
        if sampler == "grid":
            assert not set(new) & set(seen)

    def test_what_does_not_fit_is_known_as_nothing(self, create, drive):
        source = drive(create())
        run_trial(source)
        narrow = make_study(space={"latent_dim": SPACE["latent_dim"]}, fixed={"beta": 0.5})
        (known,) = read_knowledge(source.reader).ended
        found = frozen(narrow, known)
        assert (found.state.name, found.params) == ("FAIL", {})
