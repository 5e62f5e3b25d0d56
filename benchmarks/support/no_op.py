"""Work without models, for searches whose cost beside the training is measured."""

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from search.assignment import Assignment, Round
from search.config import StudyConfig
from search.trial import Measurement
from search.work import Shared, Work

STEADY_REPORTS: Final = 250
_PERIOD_SECONDS: Final = 0.02
_STUDY: Final = {
    "dataset": "digits",
    "space": {"beta": {"type": "float", "low": 0.01, "high": 1.0, "log": True}},
    "sampler": "random",
    "measure": {"num_images": 100},
    "resources": {"workers": 2},
    "tracking": {"mlflow": False},
}


def study(name: str, trials: int, epochs: int = 1, **others: Any) -> StudyConfig:
    """Returns a study file of one parameter, drawn at random, for two workers.

    Args:
        name: Of the search.
        trials: Their number.
        epochs: Of each.
        others: Sections that differ.
    """
    budget = {"trials": trials, "epochs": epochs}
    return StudyConfig.model_validate({"name": name, "budget": budget, **_STUDY, **others})


class NoRun:
    """One attempt: a measurement, and the end."""

    def __init__(self, task: Assignment):
        self._task = task

    def next_round(self) -> Round:
        metrics = objectives(self._task.params)
        return Round([Measurement(1, metrics, time.time(), self._task.attempt)], "complete")


class SteadyRun:
    """One attempt that measures fifty times a second, whatever its driver's answers take."""

    def __init__(self, task: Assignment):
        self._task, self._epoch, self._began = task, 0, time.monotonic()

    def next_round(self) -> Round:
        self._epoch += 1
        due = self._began + self._epoch * _PERIOD_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))
        metrics = {"fid": 100.0 / self._epoch, "tvd": 0.5, "train_seconds": 0.02 * self._epoch}
        news = [Measurement(self._epoch, metrics, time.time(), self._task.attempt)]
        return Round(news, "complete" if self._epoch == STEADY_REPORTS else None)


class PausedRun:
    """One attempt: a pause, and a measurement that says how long its worker had been idle."""

    def __init__(self, task: Assignment, bench: "_PausedBench"):
        self._task, self._bench = task, bench
        self._idle_seconds = time.monotonic() - bench.ended

    def next_round(self) -> Round:
        time.sleep(self._bench.seconds)
        metrics = {**objectives(self._task.params), "idle_seconds": self._idle_seconds}
        self._bench.ended = time.monotonic()
        return Round([Measurement(1, metrics, time.time(), self._task.attempt)], "complete")


class _Bench:
    """What a worker keeps: nothing."""

    def __init__(self, shared: Shared):
        pass

    def start(self, assignment: Assignment, should_stop: Callable[[], bool]) -> NoRun:
        return NoRun(assignment)


class _SteadyBench(_Bench):
    def start(self, assignment: Assignment, should_stop: Callable[[], bool]) -> SteadyRun:
        return SteadyRun(assignment)


class _PausedBench:
    """What a worker keeps: when it last ended a trial."""

    def __init__(self, seconds: float, shared: Shared):
        self.seconds, self.ended = seconds, time.monotonic()

    def start(self, assignment: Assignment, should_stop: Callable[[], bool]) -> PausedRun:
        return PausedRun(assignment, self)


def no_op_work() -> Work:
    """Returns work of trials that report once, at once."""
    return Work(_prepare, _Bench, _remeasure, _show)


def steady_work() -> Work:
    """Returns work of trials that report `STEADY_REPORTS` times, fifty times a second."""
    return Work(_prepare, _SteadyBench, _remeasure, _show)


def paused_work(seconds: float) -> Work:
    """Returns work of trials that take so long, and report `idle_seconds` with their objectives."""
    return Work(_prepare, functools.partial(_PausedBench, seconds), _remeasure, _show)


def objectives(params: Mapping[str, Any]) -> dict[str, float]:
    """Returns what a trial that does nothing says it measured: all trials are on the front."""
    return {"fid": 1.0 / params["beta"], "tvd": params["beta"], "train_seconds": 0.0}


def _prepare(*_: Any) -> tuple[str, dict[str, Any]]:
    return "no folders", {"ceiling": {"fid": 1000.0, "tvd": 2.0}}


def _remeasure(*arguments: Any) -> dict[tuple[int, int], dict[str, float]]:
    return {candidate: {"fid": 1.0, "tvd": 1.0} for candidate in arguments[4]}


def _show(*_: Any) -> int:
    return 0
