"""What a search has cost: hours of its trials times the cores and GPUs that each one takes.

Counted is from the moment when a trial was handed to a worker until its end was recorded, so also
loading, judging and saving. Not counted are the first run's feature extractor, the measuring of
the front again, `vaesearch confirm`, and time in which nothing ran. A core that is kept for a
trial counts whole, however busy it was.
"""

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Any, Final, final

from search.study.attempts import Attempt
from search.study.reader import SearchRecord
from search.trial import Trial, TrialState

_UNKNOWN_END: Final = ("lost", "abandoned", None)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class StateCost:
    """What the trials of one state have cost.

    Attributes:
        state: Of the trials, or `all`.
        num_trials: How many there are.
        num_epochs: Epochs that they have come to.
        hours: Of all their attempts.
        core_hours: Times the cores of a trial.
        gpu_hours: Times the GPUs of a trial.
    """

    state: str
    num_trials: int
    num_epochs: int
    hours: float
    core_hours: float
    gpu_hours: float


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Costs:
    """What a search has cost.

    Attributes:
        cpus: Cores that a trial takes, by the study file as it stands.
        gpus: GPUs that a trial takes.
        states: By state, then of all trials.
        driven_hours: For how long the search had a driver, which is about what a clock showed.
        epoch_seconds: Median, over the trials that ended, of their time by epoch; None of none.
        epoch_train_seconds: The same of what was spent on training alone.
        num_open: Attempts of which nobody knows when they ended, or that still run: they count
            until their last measurement.
    """

    cpus: float
    gpus: float
    states: Sequence[StateCost]
    driven_hours: float
    epoch_seconds: float | None
    epoch_train_seconds: float | None
    num_open: int

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return dataclasses.asdict(self)


def costs(
    record: SearchRecord,
    trials: Sequence[Trial],
    attempts: Sequence[Attempt],
    driven_seconds: float,
) -> Costs:
    """Returns what a search has cost so far.

    Args:
        record: The search.
        trials: All of its trials.
        attempts: All of its attempts.
        driven_seconds: For how long it had a driver.
    """
    by_number = {trial.number: trial for trial in trials}
    seconds = dict.fromkeys(by_number, 0.0)
    for attempt in (each for each in attempts if each.trial in by_number):  # not those begun since
        seconds[attempt.trial] += _seconds(attempt, by_number[attempt.trial])
    resources = record.config.resources
    states = [
        _cost(state.value, [t for t in trials if t.state is state], seconds, resources)
        for state in TrialState
    ]
    total = _cost("all", trials, seconds, resources)
    ended = [trial for trial in trials if trial.state.is_finished and trial.last_epoch]
    trained = [
        last / trial.last_epoch
        for trial in ended
        if (last := trial.measurements[-1].metrics.get("train_seconds")) is not None
    ]
    return Costs(
        cpus=resources.cpus,
        gpus=resources.gpus,
        states=[*(state for state in states if state.num_trials), total],
        driven_hours=driven_seconds / 3600.0,
        epoch_seconds=_median([seconds[trial.number] / trial.last_epoch for trial in ended]),
        epoch_train_seconds=_median(trained),
        num_open=sum(attempt.outcome in _UNKNOWN_END for attempt in attempts),
    )


def _seconds(attempt: Attempt, trial: Trial) -> float:
    end = attempt.ended_at
    if attempt.outcome in _UNKNOWN_END:
        own = [m.unix_time for m in trial.measurements if m.attempt == attempt.number]
        end = max(own, default=None)
    return 0.0 if end is None else max(0.0, end - attempt.started_at)


def _cost(
    state: str, trials: Sequence[Trial], seconds: dict[int, float], resources: Any
) -> StateCost:
    hours = sum(seconds[trial.number] for trial in trials) / 3600.0
    epochs = sum(trial.last_epoch for trial in trials)
    cores, gpus = hours * resources.cpus, hours * resources.gpus
    return StateCost(state, len(trials), epochs, hours, cores, gpus)


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
