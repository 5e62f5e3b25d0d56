"""A sequence that covers a space evenly, and goes on where a point was tried already."""

import math
from collections.abc import Mapping
from typing import Any, Final, final

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import QMCSampler, RandomSampler
from optuna.trial import FrozenTrial

_SAME: Final = 1e-7  # an optimiser's last digits
_MOST_TRIES: Final = 32  # a small space may have been tried whole


@final
class QuasiRandom(QMCSampler):
    """Optuna's Sobol sequence, going on where it would propose a trial again.

    The space of its points is that of the first trial that has ended. Where parameters have
    conditions, that changes when an earlier one ends, and the sequence begins anew with the same
    numbers: two trials in the first ten would often be equal.

    Args:
        study_seed: Fixes the sequence, which all proposals of a study share.
        seed: Fixes what is drawn at random: until a first trial has ended there is no sequence.
    """

    def __init__(self, study_seed: int, seed: int):
        super().__init__(
            seed=study_seed,
            scramble=True,
            independent_sampler=RandomSampler(seed=seed),
            warn_independent_sampling=False,
        )

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """See `BaseSampler.sample_relative`."""
        for _ in range(_MOST_TRIES):
            proposed = super().sample_relative(study, trial, search_space)
            if not is_known(study, trial, proposed):
                break
        return proposed


def is_known(study: optuna.Study, trial: FrozenTrial, params: Mapping[str, Any]) -> bool:
    """Returns whether another trial than this one agrees with params, running or however it ended.

    Only what both have counts: either may have parameters that conditions leave out of the other.
    """
    others = (other for other in study.get_trials(deepcopy=False) if other.number != trial.number)
    return any(_agree(other.params, params) for other in others)


def _agree(known: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    shared = known.keys() & params.keys()
    return bool(shared) and all(_is_same(known[name], params[name]) for name in shared)


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_SAME)
    return bool(one == other)
