"""`auto`: who proposes the params of which trial."""

import math
from typing import Any, Final, final

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from search.front import non_dominated
from search.gaussian_process import WarpedGP, clipped, slanted
from search.quasi_random import QuasiRandom, is_known

# So many trials have to end before a model of them is worth asking.
START_TRIALS: Final = 10
# A Gaussian process takes about a second per proposal after 100 trials, and ever more.
GP_TRIALS: Final = 100
# With 1 it fell behind a process left to itself where that one is good (benchmarks/RESULTS.md).
GP_PATIENCE: Final = 5


@final
class Portfolio(optuna.samplers.BaseSampler):
    """A quasi-random start, then TPE in two forms by turns, or a Gaussian process that is helped.

    The first trial of all is the middle of the ranges, as in Vizier. Without it a Gaussian process
    of few trials in many dimensions follows slopes into the corners, and sees no hill between them.

    The forms of TPE are the one that models all parameters together, and the one that models each
    by itself: on the benchmark problems each is the better one somewhere.

    The Gaussian process knows the objectives slanted. Where it proposes what was tried, one that
    knows them clipped as well, and takes them for exact, has a try, then a mutation. After
    `GP_PATIENCE` trials in a row that did not reach the front, another one has a turn: by turns a
    mutation and TPE. After `GP_TRIALS` TPE goes on alone.

    Who proposes depends on the number of the trial and on what the Optuna study holds, on nothing
    else: a resumed search goes on as an uninterrupted one.

    Args:
        study_seed: Fixes the quasi-random sequence.
        seed: Fixes everything else.
        with_gp: Whether a Gaussian process takes part. It sees complete trials only, so it should
            not where trials are stopped early, and a space with conditions it knows in part.
    """

    def __init__(self, study_seed: int, seed: int, with_gp: bool):
        self._start = QuasiRandom(study_seed, seed)
        self._joint = TPESampler(seed=seed, multivariate=True, group=True)
        self._single = TPESampler(seed=seed, multivariate=False)
        self._gp = WarpedGP(seed, slanted) if with_gp else None
        self._mutation = Mutation(seed)
        self._seed = seed
        self._chosen: optuna.samplers.BaseSampler = self._start

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """See `BaseSampler.infer_relative_search_space`."""
        self._choose(study, trial)
        return self._chosen.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """See `BaseSampler.sample_relative`."""
        # Not chosen anew: a trial may have ended since the search space was inferred.
        proposed = self._chosen.sample_relative(study, trial, search_space)
        if self._chosen is not self._gp or not is_known(study, trial, proposed):
            return proposed
        near = WarpedGP(self._seed, lambda values: slanted(clipped(values)), is_exact=True)
        proposed = near.sample_relative(study, trial, search_space)
        if not is_known(study, trial, proposed):
            return proposed
        space = self._mutation.infer_relative_search_space(study, trial)
        return self._mutation.sample_relative(study, trial, space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """See `BaseSampler.sample_independent`."""
        self._choose(study, trial)
        if trial.number == 0 and isinstance(
            param_distribution, FloatDistribution | IntDistribution
        ):
            return _middle(param_distribution)
        return self._chosen.sample_independent(study, trial, param_name, param_distribution)

    def _choose(self, study: optuna.Study, trial: FrozenTrial) -> None:
        ended = study.get_trials(deepcopy=False, states=(OptunaState.COMPLETE, OptunaState.PRUNED))
        num_complete = sum(other.state is OptunaState.COMPLETE for other in ended)
        if len(ended) < START_TRIALS:
            self._chosen = self._start
        elif self._gp is not None and START_TRIALS <= num_complete <= GP_TRIALS:
            others = (self._mutation, self._joint, self._mutation, self._single)
            turns: list[optuna.samplers.BaseSampler] = [self._gp] * (GP_PATIENCE + 1)
            # In blocks of numbers, so that each of the others gets its turn.
            turns[-1] = others[trial.number // len(turns) % len(others)]
            self._chosen = turns[_since_progress(study) % len(turns)]
        else:
            self._chosen = self._single if trial.number % 2 else self._joint


@final
class Mutation(optuna.samplers.BaseSampler):
    """Changes one parameter of a trial on the front, to any value of its range.

    Args:
        seed: Fixes which trial, which parameter and which value.
    """

    def __init__(self, seed: int):
        self._rng = np.random.default_rng(seed)
        self._random = RandomSampler(seed=seed)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """See `BaseSampler.infer_relative_search_space`."""
        complete, front = _front(study)
        self._parent = complete[front[self._rng.integers(len(front))]]
        return dict(self._parent.distributions)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """See `BaseSampler.sample_relative`."""
        names = sorted(search_space)
        name = names[self._rng.integers(len(names))]
        value = self._random.sample_independent(study, trial, name, search_space[name])
        return {**self._parent.params, name: value}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """See `BaseSampler.sample_independent`."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)


def _since_progress(study: optuna.Study) -> int:
    """Returns how many trials came after the last one on the front and have ended."""
    complete, front = _front(study)
    last = complete[front[-1]].number
    trials = study.get_trials(deepcopy=False)[last + 1 :]
    # Those of a smaller space that do not fit into this one have failed without params.
    return sum(trial.state.is_finished() and bool(trial.params) for trial in trials)


def _front(study: optuna.Study) -> tuple[list[FrozenTrial], list[int]]:
    """Returns the complete trials, and which of them are the front, in the order of their numbers.

    A trial that only repeats the values of an earlier one is not counted.
    """
    complete = study.get_trials(deepcopy=False, states=(OptunaState.COMPLETE,))
    values = [tuple(trial.values) for trial in complete]
    maximize = StudyDirection.MAXIMIZE
    directions = ["maximize" if d is maximize else "minimize" for d in study.directions]
    kept = non_dominated(values, directions)
    return complete, [i for i, key in enumerate(values) if kept[i] and values.index(key) == i]


def _middle(numbers: FloatDistribution | IntDistribution) -> float:
    low, high = numbers.low, numbers.high
    middle = math.sqrt(low * high) if numbers.log else (low + high) / 2
    if numbers.step is not None:
        middle = low + numbers.step * round((middle - low) / numbers.step)
    return numbers.to_external_repr(middle)
