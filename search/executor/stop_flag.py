"""What the driver wants its workers to stop, seen by each within a second, on any node.

It lives in an actor that belongs to the driver: if the driver dies, the actor dies for good, and a
worker that cannot ask it any more stops as well. A slow answer is no answer: the worker asks again.
"""

import threading
from typing import Any, Final, final

import ray

_POLL_SECONDS: Final = 0.3
_ANSWER_SECONDS: Final = 20.0


@ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)
class StopFlag:
    """Whether the workers of a search should save and end: all of them, or those of some trials."""

    def __init__(self) -> None:
        self._is_raised = False
        self._trials: set[int] = set()

    def raise_flag(self) -> None:
        """Makes every worker stop."""
        self._is_raised = True

    def stop_trial(self, number: int) -> None:
        """Makes the worker of one trial stop it."""
        self._trials.add(number)

    def read(self) -> tuple[bool, set[int]]:
        """Returns whether all workers should stop, and which trials."""
        return self._is_raised, self._trials


@final
class FlagWatch:
    """Watches a `StopFlag` from a thread, so that a training loop may ask without waiting.

    Attributes:
        trial: The number of the trial that runs.
    """

    def __init__(self, flag: Any):
        self._flag = flag
        self._is_raised = False
        self._trials: set[int] = set()
        self.trial = -1
        threading.Thread(target=self._watch, daemon=True, name="stop-flag").start()

    def __call__(self) -> bool:
        """Returns whether to stop."""
        return self._is_raised or self.trial in self._trials

    def _watch(self) -> None:
        pause = threading.Event()
        while not self._is_raised:
            try:
                self._is_raised, self._trials = ray.get(
                    self._flag.read.remote(), timeout=_ANSWER_SECONDS
                )
            except ray.exceptions.GetTimeoutError:
                continue
            except ray.exceptions.RayError:
                self._is_raised = True  # the driver is gone
            pause.wait(_POLL_SECONDS)
