"""Asking for trials ahead of time, in a thread, so that no free worker waits for the sampler."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Final, final

from search.trial import Trial

_LAST_ORDER_SECONDS: Final = 30.0


@final
class Asker:
    """Makes trials to order, one after another.

    Args:
        make: Proposes and records a trial; takes as long as the sampler does.
    """

    def __init__(self, make: Callable[[], Trial]):
        self._make = make
        self._orders: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._made: queue.SimpleQueue[Trial | Exception] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True, name="asker")
        self._thread.start()
        self.num_ordered = 0
        self.seconds = 0.0  # that the last one took

    def order(self) -> None:
        """Has one more trial made."""
        self.num_ordered += 1
        self._orders.put(True)

    def take(self, patience: float = 0.0) -> Trial | None:
        """Returns a trial that is ready, None if there is none.

        Args:
            patience: Seconds to wait for one that was ordered.

        Raises:
            Exception: What made an order fail; it has to be given again.
        """
        try:
            is_coming = patience > 0 and self.num_ordered > 0
            made = self._made.get(is_coming, patience if is_coming else None)
        except queue.Empty:
            return None
        self.num_ordered -= 1
        if isinstance(made, Exception):
            raise made
        return made

    def close(self) -> None:
        """Ends the thread after the order it is at, unless that hangs; the others are forgotten."""
        self._closed.set()
        self._orders.put(None)  # in case the thread waits for one
        self._thread.join(_LAST_ORDER_SECONDS)

    def _work(self) -> None:
        while True:
            self._orders.get()
            if self._closed.is_set():
                return
            started = time.monotonic()
            try:
                made: Trial | Exception = self._make()
            except Exception as error:  # noqa: BLE001 - raised where the trial is wanted
                made = error
            self.seconds = time.monotonic() - started
            self._made.put(made)
