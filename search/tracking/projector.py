"""The thread that keeps MLflow like the study while a driver runs. It never holds the search up."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, final

import sqlalchemy as sa

from search.errors import LeaseLostError, TrackerError
from search.node_sample import NodeSample
from search.study.projections import Projections
from search.study.reader import StudyReader
from search.study.writer import StudyWriter
from search.tracking.client import MlflowRuns, RefusedError
from search.tracking.mirror import Mirror
from search.tracking.node_load import NodeLoad
from search.workspace import Workspace

_log = logging.getLogger(__name__)

# Importing MLflow takes seconds of a core: best while the main thread waits for Ray, before there
# are workers that need the cores.
_START_SECONDS: Final = 1.0
_PAGE_SECONDS: Final = 60.0  # Plotly, for the search's page, takes another second of a core
_PAUSE_SECONDS: Final = 2.0
_LONGEST_PAUSE_SECONDS: Final = 30.0  # while MLflow does not answer
_DRAIN_SECONDS: Final = 30.0
_DRAIN_PAUSE_SECONDS: Final = 1.0
_HASTY_DRAIN_SECONDS: Final = 4.0  # when someone waits for the driver to end


@contextlib.contextmanager
def projecting(
    reader: StudyReader,
    writer: StudyWriter,
    workspace: Workspace,
    say: Callable[[str], None],
    is_hasty: Callable[[], bool] = lambda: False,
) -> Iterator[Callable[[NodeSample], None] | None]:
    """Writes the search to MLflow while a driver runs it, and what is left over when it ends.

    Yields what takes samples of the machines' load, from any thread, or None if the study wants no
    MLflow. Nothing that goes wrong with MLflow is raised: the study holds what is missing but for
    these samples, and the next driver writes it.

    Args:
        reader: The search.
        writer: The same, held by this driver.
        workspace: Holds MLflow's store, if the study names no other.
        say: Called, from any thread, when MLflow fails and when something is missing at the end.
        is_hasty: Asked at the end: whether someone waits for the driver to end.
    """
    record = reader.record()
    if not record.config.tracking.mlflow:
        yield None
        return
    runs = MlflowRuns(workspace.tracking_uri(record.config), workspace.artifacts, record.id)
    load = NodeLoad(runs, Projections(reader.engine, record.id), record.created_at)
    mirror = Mirror(reader, runs, workspace.store(record.config))
    delays = {"delay": _START_SECONDS, "page_delay": _PAGE_SECONDS}
    projector = Projector(mirror, record.name, say, load.send, **delays)
    projector.start()
    try:
        yield load.add
    finally:
        projector.finish(_HASTY_DRAIN_SECONDS if is_hasty() else _DRAIN_SECONDS)


@final
class Projector:
    """The thread. It tries again for ever, ever more slowly, and ends with the driver.

    Args:
        mirror: What it flushes.
        name: Of the search.
        say: Called with a sentence for people.
        send: Called after each flush that went well, with whether it was the last one; writes what
            the study does not hold.
        pause: Seconds between two flushes.
        delay: Seconds before the first one.
        page_delay: Seconds before files are shown the first time, unless it ends before.
    """

    def __init__(
        self,
        mirror: Mirror,
        name: str,
        say: Callable[[str], None],
        send: Callable[[bool], None] = lambda _: None,
        pause: float = _PAUSE_SECONDS,
        delay: float = 0.0,
        page_delay: float = 0.0,
    ):
        self._mirror = mirror
        self._name = name
        self._say = say
        self._send = send
        self._pause, self._delay, self._page_delay = pause, delay, page_delay
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._deadline = 0.0  # by the monotonic clock, once `finish` is called
        self._is_failing = False
        self._is_taken_over = False
        self._is_drained = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="mlflow")

    def start(self) -> None:
        """Starts writing."""
        self._thread.start()

    def finish(self, seconds: float = _DRAIN_SECONDS) -> None:
        """Writes what is left, for so many seconds at most, and says what is missing then."""
        self._deadline = time.monotonic() + seconds
        self._ended.set()
        self._thread.join(seconds)
        self._mirror.close()
        if self._is_drained or self._is_taken_over:
            return
        with contextlib.suppress(sa.exc.SQLAlchemyError):  # then the study has worse troubles
            self._say(f"{self._missing()}; `vaesearch sync {self._name}` writes it")

    def _missing(self) -> str:
        untold = self._mirror.untold()
        if not untold:
            return "MLflow lacks the last states, pictures or models"
        number = sum(untold.values())
        measurements = f"{number} measurement{'s' if number > 1 else ''}"
        return f"MLflow lacks {measurements} of {len(untold)} trial{'s' if len(untold) > 1 else ''}"

    def _run(self) -> None:
        pause = self._delay
        while True:
            is_last = self._ended.wait(pause)
            try:
                self._tell(is_last)
            except LeaseLostError:
                self._is_taken_over = True
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, the search goes on
                pause = min(_LONGEST_PAUSE_SECONDS, 2 * (pause or self._pause))
                self._note_failure(error)
                if is_last and not isinstance(error, RefusedError) and self._has_time():
                    time.sleep(_DRAIN_PAUSE_SECONDS)
                    continue
            else:
                self._is_failing, self._is_drained, pause = False, is_last, self._pause
            if is_last:
                return

    def _tell(self, is_last: bool) -> None:
        """Tells MLflow all that is new; what it refuses of one run holds up nothing else."""
        refusal = None
        try:
            self._mirror.flush(is_last)
        except RefusedError as error:
            refusal = error
        self._send(is_last)
        if is_last or time.monotonic() >= self._started + self._page_delay:
            self._mirror.show(is_last)
        if refusal is not None:
            raise refusal

    def _has_time(self) -> bool:
        return time.monotonic() + _DRAIN_PAUSE_SECONDS < self._deadline

    def _note_failure(self, error: Exception) -> None:
        """Says that MLflow fails, once per outage."""
        if not self._is_failing and not self._ended.is_set():
            self._is_failing = True
            cause = str(error) if isinstance(error, TrackerError) else repr(error)
            self._say(
                "MLflow cannot be reached; the search goes on, and what is missing is written "
                f"later: {cause}"
            )
            # Not a warning: unconfigured, logging would print that beside what is said.
            _log.info("Writing to MLflow failed", exc_info=error)
