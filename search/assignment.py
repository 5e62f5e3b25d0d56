"""What travels between the driver and a worker: plain values, no Keras and no Ray."""

import dataclasses
import json
from collections.abc import Mapping
from typing import final

from search.trial import Measurement, Params


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is to do.

    Attributes:
        trial: The trial's number.
        attempt: The attempt's, from 1.
        params: Of the trial.
        seed: Of the training.
        repeat: 0 for the search's own training; that of a confirmation is counted from 1.
        epochs: After which epochs to measure, the last of which ends the training; None for what
            the study file says.
        is_alone: Whether it gets a GPU for itself, because it ran out of memory beside others.
    """

    trial: int
    attempt: int
    params: Params
    seed: int
    repeat: int = 0
    epochs: list[int] | None = None
    is_alone: bool = False

    def to_json(self) -> str:
        """Returns the assignment as text, which Tune passes on untouched."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Assignment":
        """Returns the assignment of `to_json`."""
        return cls(**json.loads(text))


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Round:
    """What a worker has to say after some epochs.

    Attributes:
        measurements: What was measured. The first round of an attempt repeats all that earlier
            attempts had measured, because a crash may have kept it from being reported.
        outcome: None to go on, else complete, failed, interrupted, exhausted (out of memory), or
            blocked (the store refuses).
        reason: Why it failed, is exhausted or blocked.
        seconds: Where the worker's time went since its last report, by part (`search.stopwatch`).
        counts: Of what it did meanwhile, such as models compiled.
    """

    measurements: list[Measurement]
    outcome: str | None = None
    reason: str | None = None
    seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """Returns the round as text, which Tune passes on untouched."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Round":
        """Returns the round of `to_json`."""
        values = json.loads(text)
        measurements = [Measurement(**item) for item in values.pop("measurements")]
        return cls(measurements, **values)
