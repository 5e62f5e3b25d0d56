"""Which parameters decide an objective: PED-ANOVA over the trials of a search.

For each parameter it asks how differently the best trials and all trials are spread over it. A
parameter on which they are spread alike does not matter.
"""

import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, final

import numpy as np
import optuna
from numpy.typing import NDArray

from search.config import StudyConfig
from search.errors import SearchError
from search.front import losses
from search.space import Categorical, Float, Int, Parameter, flat_items
from search.trial import Trial, TrialState

FEWEST_TRIALS: Final = 10  # that were measured
_BEST_SHARE: Final = 0.1  # of the trials, and at least so many of them:
_FEWEST_BEST: Final = 5  # Optuna's advice
_NUM_SHUFFLES: Final = 100
_CHANCE: Final = 0.95  # of the shuffles stay below what counts as chance


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Importance:
    """What decides whether a trial is among the best in one objective.

    Attributes:
        objective: Its name.
        num_trials: Trials that were compared.
        num_best: How many of them are the best.
        shares: Parameter, by item of a list, -> share of the divergence of all, the largest first;
            they sum to 1, or are all 0.
        chance: Like `shares`: what a parameter that decides nothing stays below in 95 of 100
            cases, by shuffling the trials' values.
    """

    objective: str
    num_trials: int
    num_best: int
    shares: Mapping[str, float]
    chance: Mapping[str, float]

    @property
    def clear(self) -> list[str]:
        """The parameters that decide more than chance would."""
        return [name for name, share in self.shares.items() if share > self.chance[name]]


def importances(config: StudyConfig, trials: Sequence[Trial]) -> list[Importance]:
    """Returns, for every objective, which parameters matter to be among its best trials.

    A trial counts with its best value of any epoch; one that was stopped early with the best up to
    then. That makes slow starters look worse than they are, but they are not among the best
    either way, and without them the comparison would know only good trials. Failed trials are left
    out, so that what made them fail looks less important than it is.

    A parameter that exists beside certain values alone is judged on the trials that have it.

    Args:
        config: The study file.
        trials: All trials.

    Raises:
        SearchError: If fewer than 10 trials were measured.

    References:
        Watanabe et al., 2023, https://arxiv.org/abs/2304.10255; conditional parameters: Optuna's
        implementation of https://arxiv.org/abs/2601.20800
    """
    judged = judged_trials(config, trials)
    if len(judged) < FEWEST_TRIALS:
        raise SearchError(
            f"`{config.name}` has {len(judged)} measured trials, too few to tell which parameters "
            f"matter: it takes {FEWEST_TRIALS}. `vaesearch resume {config.name} --trials "
            f"+{FEWEST_TRIALS - len(judged)}` runs more."
        )
    points = best_values(config, judged)
    study = _study(config, judged, points)
    return [
        _importance(study, name, points[:, index], len(judged))
        for index, name in enumerate(config.objectives)
    ]


def judged_trials(config: StudyConfig, trials: Sequence[Trial]) -> list[Trial]:
    """Returns the trials that ended, did not fail, and were measured."""
    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    return [
        trial
        for trial in trials
        if trial.state in ended and any(m.has(config.objectives) for m in trial.measurements)
    ]


def best_values(config: StudyConfig, trials: Sequence[Trial]) -> NDArray[np.float64]:
    """Returns `(num_trials, num_objectives)`: the best loss of each, less being better."""
    names, directions = list(config.objectives), config.directions
    best = []
    for trial in trials:
        rows = [[m.metrics[name] for name in names] for m in trial.measurements if m.has(names)]
        best.append(losses(rows, directions).min(axis=0))
    return np.array(best).reshape(len(trials), len(names))


def _importance(
    study: optuna.Study, objective: str, values: NDArray[np.float64], num_trials: int
) -> Importance:
    num_best = max(_FEWEST_BEST, round(_BEST_SHARE * num_trials))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=num_best / num_trials)
    found = _shares(evaluator, study, values)
    rng = np.random.default_rng(0)
    shuffled = [_shares(evaluator, study, rng.permutation(values)) for _ in range(_NUM_SHUFFLES)]
    chance = {n: float(np.quantile([each[n] for each in shuffled], _CHANCE)) for n in found}
    order = sorted(found, key=lambda name: (-found[name], name))
    return Importance(
        objective, num_trials, num_best, {n: found[n] for n in order}, {n: chance[n] for n in order}
    )


def _shares(evaluator: Any, study: optuna.Study, values: NDArray[np.float64]) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it minimises: so do we
        found = evaluator.evaluate(study, target=lambda trial: float(values[trial.number]))
    total = sum(found.values())
    return {name: value / total if total > 0 else 0.0 for name, value in found.items()}


def _study(
    config: StudyConfig, trials: Sequence[Trial], points: NDArray[np.float64]
) -> optuna.Study:
    """Returns the trials as an Optuna study in memory, numbered from 0 in their order."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["minimize"] * points.shape[1])
    for trial, values in zip(trials, points, strict=True):
        flat = flat_items(config.parameters, config.fixed, trial.params)
        kinds = {item: _distribution(config.parameters[_name(item)]) for item in flat}
        study.add_trial(
            optuna.trial.create_trial(params=flat, distributions=kinds, values=list(values))
        )
    optuna.logging.set_verbosity(verbosity)
    return study


def _name(item: str) -> str:
    """Returns the parameter of an item: `widths` of `widths[0]`."""
    return item.partition("[")[0]


def _distribution(parameter: Parameter) -> optuna.distributions.BaseDistribution:
    match parameter:
        case Float():
            low, high, log = parameter.low, parameter.high, parameter.log
            return optuna.distributions.FloatDistribution(low, high, log=log, step=parameter.step)
        case Int():
            low, high, log = parameter.low, parameter.high, parameter.log
            step = parameter.step or 1
            return optuna.distributions.IntDistribution(low, high, log=log, step=step)
        case Categorical():
            return optuna.distributions.CategoricalDistribution(parameter.choices)


def importance_remarks(config: StudyConfig, trials: Sequence[Trial]) -> Iterator[str]:
    """Yields what was left out or may mislead, a sentence each."""
    judged = judged_trials(config, trials)
    pruned = sum(trial.state is TrialState.PRUNED for trial in judged)
    failed = sum(trial.state is TrialState.FAILED for trial in trials)
    if pruned:
        yield (
            f"{pruned} of {len(judged)} trials were stopped early and count with their best until "
            "then: parameters of slow starters look a little more decisive than they are."
        )
    if failed:
        yield (
            f"{failed} failed trials are left out: what made them fail looks less important than "
            "it is."
        )
