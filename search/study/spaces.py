"""Optuna studies of another space: what one search, or one state of its space, knew of the last.

Optuna cannot change a categorical parameter, and its samplers pass over trials whose ranges differ
from today's. A space that has grown therefore gets a new Optuna study, filled with the old trials.
"""

from collections.abc import Mapping, Sequence
from typing import Any, final

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from search.config import StudyConfig
from search.space import Scalar, suggest_params


def study_name(search_id: str, generation: int) -> str:
    """Returns the name of the Optuna study of one state of a search's space."""
    return f"vaesearch-{search_id}" + (f"-{generation}" if generation else "")


def refill(
    storage: BaseStorage,
    source: str,
    target: str,
    config: StudyConfig,
    limit: int | None = None,
) -> int:
    """Makes an Optuna study of `config`'s space that knows the trials of another study.

    Numbers stay as they are: in the place of a trial that does not fit into the space stands a
    failed one without params, which no sampler looks at.

    Args:
        storage: Holds both.
        source: Name of the study to copy from.
        target: Name of the study to make. One that is there is what a crash has left, and goes.
        config: The study file with the space of the target.
        limit: Copy so many trials, whatever their state; by default all that have ended.

    Returns:
        How many trials the target holds.
    """
    known = optuna.load_study(study_name=source, storage=storage).get_trials(deepcopy=False)
    if target in optuna.get_all_study_names(storage):
        optuna.delete_study(study_name=target, storage=storage)
    study = optuna.create_study(storage=storage, study_name=target, directions=config.directions)
    wanted = known[:limit] if limit is not None else _finished(known)
    study.add_trials([_refitted(config, trial) for trial in wanted])
    return len(wanted)


def _finished(trials: Sequence[FrozenTrial]) -> Sequence[FrozenTrial]:
    return [trial for trial in trials if trial.state.is_finished()]


def _refitted(config: StudyConfig, trial: FrozenTrial) -> FrozenTrial:
    recorder = _Recorder(trial.params)
    try:
        suggest_params(config.parameters, config.fixed, recorder)
        fits = set(recorder.distributions) == set(trial.params)
    except _UnfitError:
        fits = False
    if not fits:
        return optuna.trial.create_trial(state=OptunaState.FAIL)
    return optuna.trial.create_trial(
        state=trial.state,
        values=trial.values if trial.state is OptunaState.COMPLETE else None,
        params=trial.params,
        distributions=recorder.distributions,
        system_attrs=trial.system_attrs,
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
