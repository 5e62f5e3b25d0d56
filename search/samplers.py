"""Which Optuna sampler proposes the params, and how `auto` chooses."""

import importlib.util
import math
import warnings
from typing import Any, Final, Literal, TypeAlias, final

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import GPSampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from search.config import SamplerName, StudyConfig
from search.errors import StudyConfigError
from search.front import non_dominated
from search.grid import grid_points, is_finite
from search.space import Categorical

ChosenName: TypeAlias = SamplerName | Literal["gp+tpe"]

# Under this many trials a quasi-random sequence covers the space better than a sampler that would
# spend most of the trials on its own start.
QUASI_RANDOM_TRIALS: Final = 12
# Beyond this, evolution has enough generations, and TPE's cost per proposal grows with the trials.
EVOLUTION_TRIALS: Final = 2_000
# So many trials have to end before a model of them is worth asking.
START_TRIALS: Final = 10
# A Gaussian process takes about a second per proposal after 100 trials, and ever more.
GP_TRIALS: Final = 100
# With 1 it fell behind a process left to itself where that one is good (benchmarks/RESULTS.md).
GP_PATIENCE: Final = 5
# The expected hypervolume's cost grows steeply with the objectives.
GP_OBJECTIVES: Final = 3


def choose_sampler(config: StudyConfig, num_known: int = 0) -> ChosenName:
    """Returns the sampler that `config` names, or the one that `auto` stands for.

    A grid that fits into the budget is tried whole. Short searches of a space without conditions
    are quasi-random, very long ones evolve (NSGA-II). Of the others, those that a Gaussian process
    can model use it, where the extra `gp` is installed; the rest use TPE. See `Portfolio` for both,
    and `benchmarks/samplers.py` for what they were chosen by.

    Args:
        config: The study file.
        num_known: Trials of another search that the sampler knows from the beginning.

    Raises:
        StudyConfigError: If the sampler cannot work on the space, or its extra is missing.
    """
    space, trials = config.parameters, config.budget.trials
    if config.sampler == "gp" and not _has_torch():
        raise StudyConfigError(
            "sampler: gp needs the extra `gp`: pip install 'vaesearch[gp]', or choose `auto`."
        )
    if config.sampler == "grid":
        next(grid_points(space, config.fixed))
    if config.sampler != "auto":
        return config.sampler
    if is_finite(space) and _fits(config, trials):
        return "grid"
    if trials + num_known <= QUASI_RANDOM_TRIALS and not _has_conditions(config):
        return "quasi-random"
    if trials >= EVOLUTION_TRIALS:
        return "nsga2"
    return "gp+tpe" if _suits_gp(config) and _has_torch() else "tpe"


def make_sampler(name: ChosenName, study_seed: int, seed: int) -> optuna.samplers.BaseSampler:
    """Returns a sampler for one proposal.

    Args:
        name: What `choose_sampler` returned.
        study_seed: Fixes a sequence that all proposals share.
        seed: Fixes this proposal; a resumed search then proposes what an uninterrupted one would.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match name:
            case "tpe" | "gp+tpe":
                return Portfolio(study_seed, seed, with_gp=name == "gp+tpe")
            case "nsga2":
                return NSGAIISampler(seed=seed, population_size=50)
            case "quasi-random":
                return _quasi_random(study_seed, seed)
            case "gp":
                return GPSampler(seed=seed)
            case _:  # the grid's points are queued one by one, see `search.study.proposals`
                return RandomSampler(seed=seed)


@final
class Portfolio(optuna.samplers.BaseSampler):
    """A quasi-random start, then TPE in two forms by turns, or a Gaussian process that is helped.

    The first trial of all is the middle of the ranges, as in Vizier. Without it a Gaussian process
    of few trials in many dimensions follows slopes into the corners, and sees no hill between them.

    The forms of TPE are the one that models all parameters together, and the one that models each
    by itself: on the benchmark problems each is the better one somewhere.

    A Gaussian process goes on as long as trials reach the front. After `GP_PATIENCE` in a row that
    did not, another one has a turn, then the process again. The others are by turns a mutation,
    without which the process stays at the end of some fronts, and TPE. After `GP_TRIALS` TPE goes
    on alone.

    Who proposes depends on the number of the trial and on what the Optuna study holds, on nothing
    else: a resumed search goes on as an uninterrupted one.

    Args:
        study_seed: Fixes the quasi-random sequence.
        seed: Fixes everything else.
        with_gp: Whether a Gaussian process takes part. It sees complete trials only, so it should
            not where trials are stopped early, and a space with conditions it knows in part.
    """

    def __init__(self, study_seed: int, seed: int, with_gp: bool):
        self._start = _quasi_random(study_seed, seed)
        self._joint = TPESampler(seed=seed, multivariate=True, group=True)
        self._single = TPESampler(seed=seed, multivariate=False)
        self._gp = GPSampler(seed=seed, warn_independent_sampling=False) if with_gp else None
        self._mutation = Mutation(seed)
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
        return self._chosen.sample_relative(study, trial, search_space)

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
    """Returns how many complete trials came after the last one on the front."""
    complete, front = _front(study)
    return len(complete) - 1 - front[-1]


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


def _quasi_random(study_seed: int, seed: int) -> QMCSampler:
    # Until a first trial has ended there is no sequence yet: those are drawn at random.
    return QMCSampler(
        seed=study_seed,
        scramble=True,
        independent_sampler=RandomSampler(seed=seed),
        warn_independent_sampling=False,
    )


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _has_conditions(config: StudyConfig) -> bool:
    return any(p.when or isinstance(p.length, str) for p in config.parameters.values())


def _suits_gp(config: StudyConfig) -> bool:
    """Returns whether a Gaussian process can learn from the trials: numbers, none stopped early."""
    is_numeric = not any(isinstance(p, Categorical) for p in config.parameters.values())
    never_stops = config.early_stopping.rule == "none"
    few_objectives = len(config.objectives) <= GP_OBJECTIVES
    return is_numeric and never_stops and few_objectives and not _has_conditions(config)


def _fits(config: StudyConfig, trials: int) -> bool:
    count = 0
    for count, _ in enumerate(grid_points(config.parameters, config.fixed), start=1):
        if count > trials:
            return False
    return count > 0
