"""Rules that end trials early, on measurements in their recorded order, and at the desk."""

import pytest

from search.changing import changed
from search.config import StudyConfig
from search.early_stopping import make_early_stopping
from search.errors import StudyConfigError
from search.executor.desk import Desk
from search.study.database import open_database
from search.study.searches import create_search
from search.trial import Measurement, TrialState
from tests.contracts.study_driver import Driver
from tests.faults import FakeWorkers
from tests.search.examples import make_study, study_values

HALVING = {"rule": "halving", "grace_epochs": 2, "factor": 2}


def study(section, epochs=20, **changes):
    return make_study(early_stopping=section, budget={"trials": 9, "epochs": epochs}, **changes)


def measured(epoch, fid, tvd):
    return Measurement(epoch, {"fid": fid, "tvd": tvd}, float(epoch))


def verdicts(rule, rows, **params):
    """Returns (trial, epoch) of the rows at which a rule ended a trial."""
    found = []
    for trial, epoch, fid, tvd in rows:
        if rule.observe(trial, params, measured(epoch, fid, tvd)) is not None:
            found.append((trial, epoch))
    return found


RACE = [(trial, epoch, 5.0 + trial * 7 % 4, 0.1 * trial) for epoch in (2, 4) for trial in range(4)]


def test_halving_ends_what_is_behind_at_a_rung():
    rule = make_early_stopping(study(HALVING))
    assert rule.rungs == (2, 4, 8, 16)
    falling = [(trial, 2, 1.0 + trial, 0.1 + trial) for trial in range(6)]
    assert verdicts(rule, falling) == [(trial, 2) for trial in range(1, 6)]


def test_a_trade_off_is_no_defeat():
    rule = make_early_stopping(study({**HALVING, "factor": 2}))
    rows = [(0, 2, 1.0, 0.9), (1, 2, 9.0, 0.1), (2, 2, 5.0, 0.5), (3, 2, 9.5, 0.95)]
    assert (3, 2) in verdicts(rule, rows)


def test_a_replay_gives_the_same_stops():
    first, second = (verdicts(make_early_stopping(study(HALVING)), RACE) for _ in range(2))
    assert first == second != []


def test_what_was_seen_is_not_seen_again():
    rule = make_early_stopping(study(HALVING))
    once = verdicts(rule, RACE)
    assert verdicts(rule, RACE) == []
    assert once == verdicts(make_early_stopping(study(HALVING)), [*RACE, *RACE])


def test_a_model_is_not_judged_while_its_beta_rises():
    rule = make_early_stopping(study(HALVING, fixed={"beta_warmup_epochs": 5}))
    falling = [(trial, epoch, 1.0 + trial, 1.0) for epoch in (2, 4, 8) for trial in range(3)]
    assert verdicts(rule, falling) == [(1, 8), (2, 8)]


def test_the_reason_names_rung_rank_and_who_is_ahead():
    rule = make_early_stopping(study(HALVING))
    rule.observe(4, {}, measured(2, 1.0, 0.1))
    stop = rule.observe(7, {}, measured(2, 2.0, 0.2))
    assert stop.reason == "rung 2: rank 2 of 2, of which 1 go on; behind 4"
    assert stop.details == {
        "rule": "halving",
        "epoch": 2,
        "rank": 2,
        "num_trials": 2,
        "num_kept": 1,
        "ahead": (4,),
    }


@pytest.mark.parametrize(("factor", "rungs"), [(2, (5, 10)), (3, (3, 9)), (4, (2, 8))])
def test_the_first_rung_is_two_halvings_below_the_budget(factor, rungs):
    config = study({"rule": "halving", "factor": factor})
    assert make_early_stopping(config).rungs == rungs


def test_a_threshold_holds_after_its_grace():
    section = {"rule": "threshold", "thresholds": {"fid": 50.0}, "grace_epochs": 3}
    rows = [(0, 2, 99.0, 0.1), (0, 3, 49.0, 0.1), (1, 3, 51.0, 0.1)]
    assert verdicts(make_early_stopping(study(section)), rows) == [(1, 3)]


def test_a_threshold_has_the_direction_of_its_objective():
    section = {"rule": "threshold", "thresholds": {"elbo": -40.0}}
    rule = make_early_stopping(study(section, objectives={"elbo": "maximize"}))
    assert rule.observe(0, {}, Measurement(1, {"elbo": -30.0}, 0.0)) is None
    stop = rule.observe(1, {}, Measurement(1, {"elbo": -50.0}, 0.0))
    assert stop.reason == "epoch 1: elbo -50 is worse than -40"


def test_a_plateau_is_no_gain_in_any_objective():
    section = {"rule": "plateau", "patience": 2, "min_change": 0.01}
    rows = [(0, 1, 9.0, 0.5), (0, 2, 9.0, 0.4), (0, 3, 8.99, 0.4), (0, 4, 9.1, 0.41)]
    assert verdicts(make_early_stopping(study(section)), rows) == [(0, 4)]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"rule": "asha"}, "Input should be 'none', 'halving', 'threshold' or 'plateau'"),
        ({"rule": "halving", "factor": 1}, "greater than or equal to 2"),
        ({"rule": "halving", "grace_epochs": 20}, "leaves nothing to stop in a budget of 20"),
        ({"rule": "threshold"}, "needs `thresholds`, such as"),
        ({"rule": "threshold", "thresholds": {"fdi": 1.0}}, "Did you mean `fid`"),
        ({"thresholds": {"fid": 1.0}}, "mean nothing to `rule: none`"),
    ],
)
def test_impossible_rules_are_refused(section, message):
    with pytest.raises(ValueError, match=message):
        study(section)


def test_a_resume_may_change_the_rule_and_keeps_its_numbers():
    threshold = study({"rule": "threshold", "thresholds": {"fid": 50.0}, "grace_epochs": 3})
    halving = changed(threshold, early_stopping="halving")
    assert halving.early_stopping.rule == "halving"
    assert halving.early_stopping.grace_epochs == 3
    assert changed(halving, trials=11).early_stopping == halving.early_stopping
    with pytest.raises(StudyConfigError, match="needs `thresholds`"):
        changed(halving, early_stopping="threshold")


class TestAtTheDesk:
    @pytest.fixture
    def driver(self, sqlite_url, request):
        engine = open_database(sqlite_url)
        name = f"early-{id(request):x}"
        values = study_values(name=name, early_stopping=HALVING, budget={"trials": 8, "epochs": 8})
        create_search(engine, StudyConfig.model_validate(values), {})
        driver = Driver(sqlite_url, name)
        yield driver
        driver.close()
        engine.dispose()

    def desk(self, driver):
        return Desk(driver.writer, 8, make_early_stopping(driver.reader.record().config))

    @staticmethod
    def metrics(params, epoch):
        return {"fid": params["latent_dim"] + 1.0 / epoch, "tvd": params["latent_dim"] / 20}

    def test_weak_trials_end_pruned_and_strong_ones_complete(self, driver):
        FakeWorkers(8, self.metrics).serve(self.desk(driver), num_workers=2)
        trials = driver.writer.trials()
        states = {trial.state for trial in trials}
        assert states == {TrialState.COMPLETE, TrialState.PRUNED}
        for trial in trials:
            if trial.state is TrialState.PRUNED:
                assert trial.last_epoch in (2, 4)
                assert trial.reason.startswith(f"rung {trial.last_epoch}: rank ")
        assert set(driver.optuna_states()) == {"COMPLETE", "PRUNED"}
        told = [event for event in driver.reader.events() if event.kind == "trial stopped early"]
        pruned = [t.number for t in trials if t.state is TrialState.PRUNED]
        assert sorted(event.details["trial"] for event in told) == pruned

    def test_a_stop_that_a_crash_cut_off_is_made_up_for(self, driver):
        desk = self.desk(driver)
        jobs = [desk.hand_out(worker) for worker in "abc"]
        by_size = sorted(zip("abc", jobs, strict=True), key=lambda j: j[1].params["latent_dim"])
        (best, first), *_, (worst, last) = by_size
        for worker, job in ((best, first), (worst, last)):
            rows = [Measurement(e, self.metrics(job.params, e), 1.0) for e in (1, 2)]
            driver.writer.record(job.trial, job.attempt, rows)  # and then the driver died
            del worker
        driver.writer.mend()
        again = self.desk(driver)
        state = driver.writer.trial(last.trial).state
        assert state is TrialState.PRUNED
        assert driver.writer.trial(first.trial).state is TrialState.WAITING
        handed = {again.hand_out(worker).trial for worker in "def"}
        assert last.trial not in handed

    def test_a_worker_may_repeat_the_report_of_a_trial_that_was_stopped(self, driver):
        from search.assignment import Round

        desk = self.desk(driver)
        jobs = {worker: desk.hand_out(worker) for worker in "ab"}
        for worker, fid in (("a", 1.0), ("b", 2.0)):
            row = Measurement(2, {"fid": fid, "tvd": fid}, 1.0)
            desk.hear(worker, Round([row], None))
            desk.hear(worker, Round([row], None))
        assert (desk.is_stopped("a"), desk.is_stopped("b")) == (False, True)
        assert driver.writer.trial(jobs["b"].trial).state is TrialState.PRUNED

    def test_what_a_lost_attempt_had_measured_counts_as_in_a_replay(self, driver):
        """A successor's first report carries every rung that was reached before."""
        from search.assignment import Round

        desk = self.desk(driver)
        jobs = {worker: desk.hand_out(worker) for worker in "ab"}
        rows = [Measurement(e, {"fid": 1.0, "tvd": 0.1}, 1.0) for e in (2, 4)]
        desk.hear("a", Round(rows, "interrupted"))
        late = Measurement(2, {"fid": 2.0, "tvd": 0.2}, 1.0)
        desk.hear("b", Round([late], None))
        assert desk.is_stopped("b")
        rule = make_early_stopping(driver.reader.record().config)
        again = [n for n, m in driver.reader.recorded() if rule.observe(n, {}, m) is not None]
        assert again == [jobs["b"].trial]


@pytest.mark.parametrize(("epoch", "rises"), [(1, True), (2, False), (4, False), (5, True)])
def test_a_cycle_is_not_judged_in_its_rising_half(epoch, rises):
    section = {"rule": "threshold", "thresholds": {"fid": 1.0}}
    rule = make_early_stopping(study(section, fixed={"beta_cycle_epochs": 4}))
    assert (rule.observe(0, {}, measured(epoch, 9.0, 0.1)) is None) is rises
