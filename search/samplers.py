"""Which Optuna sampler proposes the params, and how `auto` chooses."""

import importlib.util
import warnings
from typing import Final, Literal, TypeAlias

import optuna
from optuna.samplers import GPSampler, NSGAIISampler, RandomSampler

from search.config import SamplerName, StudyConfig
from search.errors import StudyConfigError
from search.grid import grid_points, is_finite
from search.portfolio import Portfolio
from search.quasi_random import QuasiRandom
from search.space import Categorical

ChosenName: TypeAlias = SamplerName | Literal["gp+tpe"]

# Under this many trials a quasi-random sequence covers the space better than a sampler that would
# spend most of the trials on its own start.
QUASI_RANDOM_TRIALS: Final = 12
# Beyond this, evolution has enough generations, and TPE's cost per proposal grows with the trials.
EVOLUTION_TRIALS: Final = 2_000
# The expected hypervolume's cost grows steeply with the objectives.
GP_OBJECTIVES: Final = 3


def choose_sampler(config: StudyConfig, num_known: int = 0) -> ChosenName:
    """Returns the sampler that `config` names, or the one that `auto` stands for.

    A grid that fits into the budget is tried whole. Short searches of a space without conditions
    are quasi-random, very long ones evolve (NSGA-II). Of the others, those that a Gaussian process
    can model use it, where the extra `gp` is installed; the rest use TPE. See `Portfolio` for both,
    and `python -m benchmarks samplers` for what they were chosen by.

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
                return QuasiRandom(study_seed, seed)
            case "gp":
                return GPSampler(seed=seed)
            case _:  # the grid's points are queued one by one, see `search.study.proposals`
                return RandomSampler(seed=seed)


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
