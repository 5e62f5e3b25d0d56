"""A flag that the driver raises and every worker sees within a second, on any node.

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
    """Whether the workers of a search should save and end."""

    def __init__(self) -> None:
        self._is_raised = False

    def raise_flag(self) -> None:
        """Makes every worker stop."""
        self._is_raised = True

    def is_raised(self) -> bool:
        """Returns whether the workers should stop."""
        return self._is_raised


@final
class FlagWatch:
    """Watches a `StopFlag` from a thread, so that a training loop may ask without waiting."""

    def __init__(self, flag: Any):
        self._flag = flag
        self._is_raised = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="stop-flag").start()

    def __call__(self) -> bool:
        """Returns whether to stop."""
        return self._is_raised.is_set()

    def _watch(self) -> None:
        pause = threading.Event()
        while not self._is_raised.is_set():
            try:
                if ray.get(self._flag.is_raised.remote(), timeout=_ANSWER_SECONDS):
                    self._is_raised.set()
            except ray.exceptions.GetTimeoutError:
                continue
            except ray.exceptions.RayError:
                self._is_raised.set()  # the driver is gone
            pause.wait(_POLL_SECONDS)
