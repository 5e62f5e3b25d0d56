"""Where a worker's time goes, part by part."""

import contextlib
import time
from collections.abc import Iterator
from typing import Final, final

# The parts, in the order in which they are shown.
PARTS: Final = {
    "train": "training steps",
    "compile": "tracing and compiling",
    "measure": "generating, judging, losses",
    "save": "checkpoints and pictures",
    "start": "models built, checkpoints read",
    "open": "libraries, images, judge",
    "wait": "waiting for work",
}


@final
class Stopwatch:
    """Adds up seconds by part.

    Attributes:
        seconds: Part -> seconds since the last `taken`.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def add(self, part: str, seconds: float) -> None:
        """Adds seconds to a part."""
        self.seconds[part] = self.seconds.get(part, 0.0) + seconds

    @contextlib.contextmanager
    def timing(self, part: str) -> Iterator[None]:
        """Adds the time that passes inside to a part."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(part, time.perf_counter() - start)

    def taken(self) -> dict[str, float]:
        """Returns what was added up, and begins anew."""
        found, self.seconds = self.seconds, {}
        return found
