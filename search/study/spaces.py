"""Trials as Optuna wants them, in today's space.

Optuna's samplers pass over trials whose ranges differ from today's, so the trials of a space that
has grown since, or of another search, are given today's ranges.
"""

from collections.abc import Mapping
from typing import Any, Final, final

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from search.config import StudyConfig
from search.space import Scalar, suggest_params
from search.study.knowledge import KnownTrial
from search.trial import TrialState

# A trial that waits or runs is known to be under way.
OPTUNA_STATES: Final = {
    TrialState.WAITING: OptunaState.RUNNING,
    TrialState.RUNNING: OptunaState.RUNNING,
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
}


def frozen(config: StudyConfig, trial: KnownTrial) -> FrozenTrial:
    """Returns a trial in the space of a study.

    In the place of one that does not fit into it stands a failed one without params, which no
    sampler looks at.
    """
    recorder = _Recorder(trial.params)
    try:
        suggest_params(config.parameters, config.fixed, recorder)
        fits = set(recorder.distributions) == set(trial.params)
    except _UnfitError:
        fits = False
    if not fits:
        return optuna.trial.create_trial(state=OptunaState.FAIL)
    return optuna.trial.create_trial(
        state=OPTUNA_STATES[trial.state],
        values=trial.values if trial.state is TrialState.COMPLETE else None,
        params=dict(trial.params),
        distributions=recorder.distributions,
        system_attrs=dict(trial.notes),
    )


class _UnfitError(Exception):
    """A trial has no place in a space."""


@final
class _Recorder:
    """A suggester that answers with a trial's own values and notes today's ranges of them."""

    def __init__(self, values: Mapping[str, Any]):
        self._values = values
        self.distributions: dict[str, BaseDistribution] = {}

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        value: float = self._take(name, FloatDistribution(low, high, log=log, step=step))
        return value

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        value: int = self._take(name, IntDistribution(low, high, log=log, step=step))
        return value

    def suggest_categorical(self, name: str, choices: tuple[Scalar, ...]) -> Scalar:
        value: Scalar = self._take(name, CategoricalDistribution(choices))
        return value

    def _take(self, name: str, distribution: BaseDistribution) -> Any:
        if name not in self._values:
            raise _UnfitError
        value = self._values[name]
        try:
            is_inside = distribution._contains(distribution.to_internal_repr(value))
        except ValueError as error:
            raise _UnfitError from error
        if not is_inside:
            raise _UnfitError
        self.distributions[name] = distribution
        return value
