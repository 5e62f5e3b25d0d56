"""What a Gaussian process is shown of a study. The process itself needs torch."""

from typing import final

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from search import gaussian_process
from search.front import non_dominated
from search.gaussian_process import WarpedGP, clipped, slanted
from search.portfolio import GP_PATIENCE, START_TRIALS
from search.samplers import make_sampler

SPACE = {"beta": FloatDistribution(0, 1), "dropout": FloatDistribution(0, 1)}
MINIMIZE = ["minimize", "minimize"]


class TestSlanted:
    def test_a_point_that_is_as_good_in_one_and_worse_in_the_other_is_worse_in_both(self):
        front_end, tie, other = slanted(np.array([[0.0, 1.0], [0.0, 9.0], [1.0, 0.0]]))
        assert (tie > front_end).all()
        assert (other[0] > front_end[0], other[1] < front_end[1]) == (True, True)

    @pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
    def test_units_make_no_difference(self, scale):
        values = np.random.default_rng(0).normal(size=(20, 3))
        other = values * [scale, 1.0, 1.0] + [0.0, 5.0, 0.0]
        np.testing.assert_allclose(slanted(other), slanted(values), atol=1e-9)

    def test_no_front_member_of_its_own_was_dominated(self):
        values = np.random.default_rng(1).normal(size=(200, 2))
        before = non_dominated(values, MINIMIZE)
        after = non_dominated(slanted(values), MINIMIZE)
        assert after.sum() > 0
        assert not (after & ~before).any()

    def test_an_objective_that_never_changes_stays_finite(self):
        assert np.isfinite(slanted(np.array([[1.0, 2.0], [1.0, 3.0]]))).all()


class TestClipped:
    def test_what_is_far_beyond_the_front_comes_near_and_the_front_stays(self):
        values = np.array([[0.0, 2.0], [1.0, 0.0], [0.5, 100.0], [50.0, 1.0], [1.5, 3.0]])
        expected = [[0.0, 2.0], [1.0, 0.0], [0.5, 4.0], [2.0, 1.0], [1.5, 3.0]]
        np.testing.assert_allclose(clipped(values), expected)

    def test_a_front_of_one_point_clips_nothing(self):
        values = np.array([[0.0, 0.0], [7.0, 100.0]])
        np.testing.assert_array_equal(clipped(values), values)


@final
class StandIn(optuna.samplers.RandomSampler):
    """In the place of Optuna's process: proposes a known point, and keeps what it was shown, and
    whether it took that for exact."""

    shown: list[tuple[optuna.Study, bool]]

    def __init__(self, seed, warn_independent_sampling, deterministic_objective):
        super().__init__(seed=seed)
        self.is_exact = deterministic_objective

    def infer_relative_search_space(self, study, trial):
        return dict(SPACE)

    def sample_relative(self, study, trial, search_space):
        self.shown.append((study, self.is_exact))
        return {"beta": 0.25, "dropout": 0.5}


@pytest.fixture
def shown(monkeypatch):
    StandIn.shown = []
    monkeypatch.setattr(gaussian_process, "GPSampler", StandIn)
    return StandIn.shown


@pytest.fixture
def study():
    """One that maximises its second objective, with trials in every state."""
    study = optuna.create_study(directions=["minimize", "maximize"])
    for index in range(START_TRIALS):
        params = {"beta": index / 100, "dropout": 0.5}
        values = [float(index), float(index)]
        study.add_trial(create_trial(params=params, distributions=SPACE, values=values))
    for state in (TrialState.FAIL, TrialState.PRUNED):
        params = {"beta": 0.9, "dropout": 0.9}
        study.add_trial(create_trial(params=params, distributions=SPACE, state=state))
    return study


def test_it_knows_complete_trials_to_be_minimised_and_those_that_run(study, shown):
    running = study.ask(SPACE)
    sampler = WarpedGP(0, lambda values: values + 1)
    sampler.sample_relative(study, study.trials[-1], SPACE)
    [(known, is_exact)] = shown
    assert not is_exact
    complete = known.get_trials(states=(TrialState.COMPLETE,))
    assert [trial.values for trial in complete] == [[i + 1, 1 - i] for i in range(START_TRIALS)]
    assert {direction.name for direction in known.directions} == {"MINIMIZE"}
    first, own = known.get_trials(states=(TrialState.RUNNING,))
    assert (first.params, own.params) == (running.params, {})


def test_what_was_tried_is_not_proposed_again(study, shown):
    study.sampler = make_sampler("gp+tpe", 0, 1)
    new = study.ask(SPACE)
    assert len(shown) == 1
    assert new.params == {"beta": 0.25, "dropout": 0.5}
    study.sampler = make_sampler("gp+tpe", 0, 2)
    other = study.ask(SPACE)  # that one runs, so the process that knows clipped values has a try
    assert [is_exact for _, is_exact in shown] == [False, False, True]
    assert other.params != new.params
    parents = [trial.params for trial in study.trials[:START_TRIALS]]
    assert any(sum(other.params[k] == one[k] for k in SPACE) == 1 for one in parents)


def test_what_failed_is_not_proposed_again_and_wears_out_the_patience(study, shown):
    for number in range(GP_PATIENCE + 1):
        study.sampler = make_sampler("gp+tpe", 0, number)
        trial = study.ask(SPACE)
        study.tell(trial, state=TrialState.FAIL)
    tried = [tuple(trial.params.values()) for trial in study.trials[-GP_PATIENCE - 1 :]]
    assert len(set(tried)) == len(tried)
    # Two trials of the fixture have ended without reaching the front; then one turn is another's.
    assert len(shown) == 1 + 2 * (GP_PATIENCE - 1)
