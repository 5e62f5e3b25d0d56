"""Which Optuna sampler proposes the params, and how `auto` chooses."""

import importlib.util
import warnings

import optuna

from search.config import SamplerName, StudyConfig
from search.errors import StudyConfigError
from search.grid import grid_points, is_finite

# Under this many trials a quasi-random sequence covers the space better than a sampler that would
# spend the same trials on its own random start (TPE's is 10 trials).
QUASI_RANDOM_TRIALS = 12
# Beyond this, evolution has enough generations, and TPE's cost per proposal grows with the trials.
EVOLUTION_TRIALS = 2_000


def choose_sampler(config: StudyConfig) -> SamplerName:
    """Returns the sampler that `config` names, or the one that `auto` stands for.

    A grid that fits into the budget is tried whole. Short searches of a space without conditions
    are quasi-random, very long ones evolve (NSGA-II), all others use TPE: with up to some hundred
    trials it is the best of those that need no extra and know conditional parameters.

    Raises:
        StudyConfigError: If the sampler cannot work on the space, or its extra is missing.
    """
    space, trials = config.parameters, config.budget.trials
    if config.sampler == "gp" and importlib.util.find_spec("torch") is None:
        raise StudyConfigError(
            "sampler: gp needs the extra `gp`: pip install 'vaesearch[gp]', or choose `auto`."
        )
    if config.sampler == "grid":
        next(grid_points(space, config.fixed))
    if config.sampler != "auto":
        return config.sampler
    if is_finite(space) and _fits(config, trials):
        return "grid"
    if trials <= QUASI_RANDOM_TRIALS and not any(p.when or p.length for p in space.values()):
        return "quasi-random"
    return "nsga2" if trials >= EVOLUTION_TRIALS else "tpe"


def make_sampler(name: SamplerName, study_seed: int, seed: int) -> optuna.samplers.BaseSampler:
    """Returns a sampler for one proposal.

    Args:
        name: What `choose_sampler` returned.
        study_seed: Fixes a sequence that all proposals share.
        seed: Fixes this proposal; a resumed search then proposes what an uninterrupted one would.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match name:
            case "tpe":
                return optuna.samplers.TPESampler(
                    seed=seed, multivariate=True, group=True, constant_liar=True
                )
            case "nsga2":
                return optuna.samplers.NSGAIISampler(seed=seed, population_size=50)
            case "quasi-random":
                # Until a first trial has ended there is no sequence yet: those are drawn at random.
                return optuna.samplers.QMCSampler(
                    seed=study_seed,
                    scramble=True,
                    independent_sampler=optuna.samplers.RandomSampler(seed=seed),
                    warn_independent_sampling=False,
                )
            case "gp":
                return optuna.samplers.GPSampler(seed=seed)
            case _:  # the grid's points are queued one by one, see `search.study.proposals`
                return optuna.samplers.RandomSampler(seed=seed)


def _fits(config: StudyConfig, trials: int) -> bool:
    count = 0
    for count, _ in enumerate(grid_points(config.parameters, config.fixed), start=1):
        if count > trials:
            return False
    return count > 0
