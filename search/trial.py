"""What was tried and what came out: plain, frozen, JSON-ready values."""

import dataclasses
import enum
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, final

ParamValue: TypeAlias = bool | int | float | str | list[int | float | str] | None
Params: TypeAlias = dict[str, ParamValue]


class TrialState(enum.StrEnum):
    """Life of a trial: waiting -> running -> complete, pruned or failed.

    An interrupted trial goes back to waiting; the next driver continues it.
    """

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"

    @property
    def is_finished(self) -> bool:
        """Whether the trial will never run again."""
        return self in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """What one attempt measured after `epoch` epochs, at `unix_time` seconds since 1970 (UTC).

    `metrics` holds finite and non-finite numbers alike; an absent metric was not measured.
    """

    epoch: int
    metrics: Mapping[str, float]
    unix_time: float
    attempt: int = 1

    def has(self, names: Iterable[str]) -> bool:
        """Returns whether every metric of `names` is there and finite."""
        return all(math.isfinite(self.metrics.get(name, math.nan)) for name in names)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """One point of the search space and everything measured there so far, by epoch.

    `origin` says where the params of a trial come from that no sampler chose: `{"retries": 17}`,
    `{"enqueued": true}`.
    """

    number: int
    params: Mapping[str, ParamValue]
    state: TrialState = TrialState.WAITING
    reason: str | None = None
    seed: int = 0
    started_at: float | None = None
    finished_at: float | None = None
    num_attempts: int = 0
    measurements: Sequence[Measurement] = ()
    origin: Mapping[str, Any] | None = None

    @property
    def last_epoch(self) -> int:
        """The last epoch that was measured, 0 before the first."""
        return self.measurements[-1].epoch if self.measurements else 0
