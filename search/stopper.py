"""Ending a search early: by Ctrl-C, SIGTERM, a request, the end of its hours, or a lost lease."""

import contextlib
import enum
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, final

import sqlalchemy as sa

from search.errors import LeaseLostError
from search.study.lease import active_seconds
from search.study.requests import take_stop_request
from search.study.writer import StudyWriter

_LOOK_SECONDS: Final = 0.5


class Ending(enum.StrEnum):
    """Why a driver ended."""

    FINISHED = "finished"  # the study holds as many finished trials as it should
    SETTLED = "settled"  # the hypervolume has stood still
    STOPPED = "stopped"  # someone asked for it
    INTERRUPTED = "interrupted"  # by SIGTERM: the machine goes, the search should go on
    OUT_OF_TIME = "out of time"  # the budget's hours are used up
    OVER_QUOTA = "over its store quota"  # and no more of the store can be pruned
    TAKEN_OVER = "taken over"  # another driver holds the lease


@final
class Stopper:
    """Remembers why the search should end, and tells whoever has to act on it, once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._actions: list[Callable[[], None]] = []
        self.ending: Ending | None = None

    def is_stopping(self) -> bool:
        """Returns whether the search should end."""
        return self.ending is not None

    def on_stop(self, action: Callable[[], None]) -> None:
        """Has `action` called when the search should end; at once if it should already."""
        with self._lock:
            self._actions.append(action)
            late = self.ending is not None
        if late:
            action()

    def stop(self, ending: Ending) -> None:
        """Ends the search; the first reason given stays."""
        with self._lock:
            if self.ending is not None:
                return
            self.ending = ending
            actions = list(self._actions)
        for action in actions:
            action()


@contextlib.contextmanager
def signals_stop(stopper: Stopper, say: Callable[[str], None]) -> Iterator[None]:
    """Makes Ctrl-C and SIGTERM stop the search gently; a second one ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, _: Any) -> None:
        for each, handler in previous.items():
            signal.signal(each, handler)
        say("stopping: the trials save and end (once more to end at once)")
        ending = Ending.INTERRUPTED if number == signal.SIGTERM else Ending.STOPPED
        # Not from the handler: it interrupts the main thread, which may hold the lock.
        threading.Thread(target=stopper.stop, args=(ending,), daemon=True).start()

    for number in previous:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def watching(
    stopper: Stopper, writer: StudyWriter, engine: sa.Engine, search_id: str, hours: float | None
) -> Iterator[None]:
    """Watches, from a thread, for requests to stop, the end of the hours and a lost lease."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_LOOK_SECONDS):
            with contextlib.suppress(sa.exc.SQLAlchemyError):  # an outage: look again later
                if writer.lease.lost.is_set():
                    stopper.stop(Ending.TAKEN_OVER)
                elif _is_requested(engine, search_id):
                    stopper.stop(Ending.STOPPED)
                elif hours is not None and active_seconds(engine, search_id) > hours * 3600:
                    stopper.stop(Ending.OUT_OF_TIME)

    thread = threading.Thread(target=watch, daemon=True, name="stop-watch")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _is_requested(engine: sa.Engine, search_id: str) -> bool:
    try:
        return take_stop_request(engine, search_id)
    except LeaseLostError:
        return False  # the lease says so itself at the next look
