"""Optuna's Gaussian process, shown the objectives so that it does not waste its proposals."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, final

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.samplers import GPSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState

from search.front import losses, non_dominated

# (num_trials, num_objectives) to the same shape; both to be minimised.
Warp: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_SLANT: Final = 0.05
_MARGIN: Final = 1.0  # of the front's range


def slanted(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the values, standardised, each with a twentieth of the others added.

    The expected hypervolume improvement takes a point that is by a hair better in one objective
    for an improvement as deep as the reference point is far, however bad it is in the others: a
    process that is certain to a thousandth proposes nothing else for dozens of trials where many
    points share the best value of an objective. Slanted, such a point is worse in both.

    Args:
        values: `(num_trials, num_objectives)`, to be minimised.
    """
    spread = values.std(axis=0)
    standardised = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    others = standardised.sum(axis=1, keepdims=True) - standardised
    return np.asarray(standardised + _SLANT * others)


def clipped(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the values, none further beyond the front's worst one than the front is wide.

    What is so bad needs no model. The reference point comes near, and small gains count again.

    Args:
        values: `(num_trials >= 1, num_objectives)`, to be minimised.
    """
    front = values[non_dominated(values, ["minimize"] * values.shape[1])]
    best, worst = front.min(axis=0), front.max(axis=0)
    limit = np.where(worst > best, worst + _MARGIN * (worst - best), np.inf)
    return np.minimum(values, limit)


@final
class WarpedGP(optuna.samplers.BaseSampler):
    """Proposes what a Gaussian process would that knows other values than were measured.

    Args:
        seed: Fixes its draws.
        warp: Makes the values that it knows.
        is_exact: Whether it takes the values for exact: nothing is to be gained then where one was
            measured.
    """

    def __init__(self, seed: int, warp: Warp, is_exact: bool = False):
        self._gp = GPSampler(
            seed=seed, warn_independent_sampling=False, deterministic_objective=is_exact
        )
        self._warp = warp

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """See `BaseSampler.infer_relative_search_space`."""
        return self._gp.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """See `BaseSampler.sample_relative`."""
        shown = _copy(study, self._warp)
        shown.ask()
        return self._gp.sample_relative(shown, shown.get_trials(deepcopy=False)[-1], search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """See `BaseSampler.sample_independent`."""
        return self._gp.sample_independent(study, trial, param_name, param_distribution)


def _copy(study: optuna.Study, warp: Warp) -> optuna.Study:
    """Returns a study in memory with the complete trials, their values warped, and those that run.

    A process leaves room around trials that run.
    """
    complete = study.get_trials(deepcopy=False, states=(OptunaState.COMPLETE,))
    running = study.get_trials(deepcopy=False, states=(OptunaState.RUNNING,))
    maximize = StudyDirection.MAXIMIZE
    directions = ["maximize" if d is maximize else "minimize" for d in study.directions]
    values = warp(losses([trial.values for trial in complete], directions))
    copy = optuna.create_study(directions=["minimize"] * len(directions))
    for trial, row in zip(complete, values, strict=True):
        params, space = trial.params, trial.distributions
        copy.add_trial(create_trial(params=params, distributions=space, values=row.tolist()))
    for trial in running:
        if trial.params:
            params, space = trial.params, trial.distributions
            state = OptunaState.RUNNING
            copy.add_trial(create_trial(params=params, distributions=space, state=state))
    return copy
