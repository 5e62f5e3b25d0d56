"""What the driver wants its workers to stop, seen by each within a second, on any node.

It lives in an actor that belongs to the driver: if the driver dies, the actor dies for good, and a
worker that cannot ask it any more stops as well. A question is answered once there is news, so that
nobody has to ask again and again. A slow answer is no answer: the worker asks once more.
"""

import asyncio
import contextlib
import threading
import time
from typing import Any, Final, TypeAlias, final

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_NEWS_SECONDS: Final = 10.0  # how long a question waits for news
_ANSWER_SECONDS: Final = 20.0
_MOST_CALLS: Final = 20_000  # at once: a question of each worker, and what the driver says

Attempt: TypeAlias = tuple[int, int]


# The last argument is one of actors alone, of which Ray's types know nothing here.
@ray.remote(  # type: ignore[call-overload]
    num_cpus=0, max_restarts=-1, max_task_retries=-1, max_concurrency=_MOST_CALLS
)
class StopFlag:
    """Whether the workers of a search should save and end: all of them, or some attempts' alone;
    and where attempts began."""

    def __init__(self) -> None:
        self._is_raised = False
        self._attempts: set[Attempt] = set()
        self._started: dict[Attempt, tuple[str, float]] = {}
        self._news = asyncio.Event()

    async def note_start(self, trial: int, attempt: int, node: str) -> None:
        """Notes on which node an attempt begins."""
        self._started[trial, attempt] = (node, time.monotonic())

    async def start_of(self, trial: int, attempt: int) -> tuple[str, float] | None:
        """Returns the node of an attempt and how many seconds ago it began, if it has begun."""
        node, since = self._started.get((trial, attempt), ("", 0.0))
        return (node, time.monotonic() - since) if node else None

    async def raise_flag(self) -> None:
        """Makes every worker stop."""
        self._is_raised = True
        self._tell()

    async def stop_attempt(self, trial: int, attempt: int) -> None:
        """Makes the worker of one attempt stop it."""
        self._attempts.add((trial, attempt))
        self._tell()

    def _tell(self) -> None:
        """Has every question answered that waits."""
        self._news.set()
        self._news = asyncio.Event()

    async def read(self, num_known: int) -> tuple[bool, set[Attempt]]:
        """Returns whether all workers should stop, and which attempts: once there is news, or
        after some seconds.

        Args:
            num_known: How many attempts to stop the caller knows of.
        """
        if not self._is_raised and len(self._attempts) == num_known:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _NEWS_SECONDS)
        return self._is_raised, self._attempts


def new_flag() -> Any:
    """Returns the handle of a new flag on this machine: other nodes come and go."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return StopFlag.options(scheduling_strategy=here).remote()  # type: ignore[attr-defined]


@final
class FlagWatch:
    """Watches a `StopFlag` from a thread, so that a training loop may ask without waiting.

    Attributes:
        node: The identifier of this process's node.
    """

    def __init__(self, flag: Any):
        self._flag = flag
        self._is_raised = False
        self._attempts: set[Attempt] = set()
        self._attempt: Attempt = (-1, 0)
        self.node = str(ray.get_runtime_context().get_node_id())
        threading.Thread(target=self._watch, daemon=True, name="stop-flag").start()

    def __call__(self) -> bool:
        """Returns whether to stop."""
        return self._is_raised or self._attempt in self._attempts

    def begin(self, trial: int, attempt: int) -> None:
        """Notes that an attempt begins here: if its process dies, it cannot say where it was."""
        self._attempt = (trial, attempt)
        self._flag.note_start.remote(trial, attempt, self.node)

    def _watch(self) -> None:
        while not self._is_raised:
            try:
                news = self._flag.read.remote(len(self._attempts))
                self._is_raised, self._attempts = ray.get(news, timeout=_ANSWER_SECONDS)
            except ray.exceptions.GetTimeoutError:
                continue
            except ray.exceptions.RayError:
                self._is_raised = True  # the driver is gone
