"""Where the time of a search's workers went while one driver ran it."""

import collections
import dataclasses
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

from search.assignment import Round
from search.stopwatch import PARTS


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One row of the account.

    Attributes:
        name: As in `PARTS`, or "idle": the rest, such as processes that start and end.
        what: In words.
        seconds: Of all workers together.
        share: Of the time that all of them had, in [0, 1].
    """

    name: str
    what: str
    seconds: float
    share: float


@final
class Spending:
    """Adds up what workers and the driver report; safe from several threads.

    Attributes:
        counts: What happened how often: `attempts`, and `reused`, those that found their model
            compiled; `proposals` of the sampler; `study`, the driver's turns at the database.
        beside: Seconds of the driver for `proposals` and `study`, which are no worker's.
        worker_seconds: Time that workers had: how many may run at once, times the time they may.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = collections.defaultdict(float)
        self.counts: collections.Counter[str] = collections.Counter()
        self.beside: dict[str, float] = collections.defaultdict(float)
        self.worker_seconds = 0.0

    def hear(self, report: Round) -> None:
        """Adds what a worker reports."""
        with self._lock:
            for part, seconds in report.seconds.items():
                self._seconds[part] += seconds
            self.counts.update(report.counts)

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Adds the time that passes inside to what the driver does beside the workers."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.note(name, 1, time.perf_counter() - start)

    def note(self, name: str, count: int, seconds: float) -> None:
        """Adds what the driver did beside the workers."""
        with self._lock:
            self.beside[name] += seconds
            self.counts[name] += count

    def parts(self) -> list[Part]:
        """Returns where the workers' time went, in the order of `PARTS`, the rest last."""
        with self._lock:
            found = {name: self._seconds[name] for name in PARTS}
        rest = max(0.0, self.worker_seconds - sum(found.values()))
        whole = max(self.worker_seconds, sum(found.values()), 1e-9)
        rows = [Part(name, PARTS[name], spent, spent / whole) for name, spent in found.items()]
        return [*rows, Part("idle", "processes that start and end", rest, rest / whole)]

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return {
            "worker_seconds": self.worker_seconds,
            "parts": {part.name: part.seconds for part in self.parts()},
            "beside": dict(self.beside),
            "counts": dict(self.counts),
        }
