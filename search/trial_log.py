"""The log of one attempt at one trial: all that was said while it ran, as text of bounded size."""

import contextlib
import datetime
import io
import logging
import os
import platform
import socket
import sys
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final, TextIO, final

from search.assignment import Assignment
from search.errors import StoreError

_MAX_BYTES: Final = 256 * 1024  # of the beginning, and as much of the end
_OURS: Final = "search"  # the logger whose informative messages belong to a log
# TensorFlow's advice against tracing often: a worker has to trace each of the models it trains.
_RETRACING: Final = "triggered tf.function retracing"


@final
class BoundedLines:
    """Lines of which the first and the last are kept.

    Args:
        max_bytes: Of the first ones, and of the last ones.
    """

    def __init__(self, max_bytes: int = _MAX_BYTES):
        self._max_bytes = max_bytes
        self._first: list[str] = []
        self._last: deque[str] = deque()
        self._room = max_bytes
        self._last_bytes = 0
        self._num_left_out = 0

    def add(self, line: str) -> None:
        """Adds a line, which goes between the two parts once the first one is full."""
        line = line[: self._max_bytes]
        size = len(line.encode(errors="replace")) + 1
        if size <= self._room:
            self._first.append(line)
            self._room -= size
            return
        self._room = 0
        self._last.append(line)
        self._last_bytes += size
        while self._last_bytes > self._max_bytes:
            self._last_bytes -= len(self._last.popleft().encode(errors="replace")) + 1
            self._num_left_out += 1

    def text(self) -> str:
        """Returns all that is kept, and between the parts how many lines are not."""
        gap = [f"... {self._num_left_out:,} lines left out ..."] if self._num_left_out else []
        return "".join(f"{line}\n" for line in (*self._first, *gap, *self._last))


@final
class TrialLog:
    """Records what is printed and logged in this process while one attempt runs.

    Args:
        assignment: The trial and the attempt.
        save: Stores the text, in place of the one before. A StoreError of it is passed over: no
            trial fails for its log.
        clock: Returns the seconds since 1970.
    """

    def __init__(
        self,
        assignment: Assignment,
        save: Callable[[str], None],
        clock: Callable[[], float] | None = None,
    ):
        self._save = save
        self._clock = clock or _now
        self._lines = BoundedLines()
        self._lock = threading.RLock()
        self._has_ended = False
        self._has_device = False
        self.add(
            f"attempt {assignment.attempt} at trial {assignment.trial}"
            + (f", repeat {assignment.repeat} of a confirmation" if assignment.repeat else "")
            + f", process {os.getpid()} on {socket.gethostname()}"
        )
        self.add("params: " + "  ".join(f"{k}={v}" for k, v in assignment.params.items()))
        self.add(f"seed: {assignment.seed}")
        with warnings.catch_warnings():
            pass  # forgets which warnings were shown: each trial is to have its own
        self.save()

    def add(self, text: str) -> None:
        """Adds lines, each with the time."""
        when = datetime.datetime.fromtimestamp(self._clock(), datetime.UTC)
        with self._lock:
            for line in text.splitlines():
                self._lines.add(f"{when:%Y-%m-%dT%H:%M:%SZ} {line}")

    def end(self, how: str) -> None:
        """Adds how the attempt ended, and saves; only the first end counts."""
        if not self._has_ended:
            self._has_ended = True
            self.add(f"ended: {how}")
            self.save()

    def save(self) -> None:
        """Stores the text as it is now."""
        with self._lock:
            text = self._lines.text()
        with contextlib.suppress(StoreError):
            self._save(text)

    def note_device(self) -> None:
        """Adds what the attempt computes on, once that is known."""
        if not self._has_device:
            self._has_device = True
            self.add(f"device: {_device()}")

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Records what is printed, logged and warned of inside, and an exception that leaves it.

        Whoever else reads the standard streams or has logging handlers still gets everything.
        """
        ours = logging.getLogger(_OURS)
        level, handler = ours.level, _Handler(self)
        ours.setLevel(logging.INFO)
        logging.getLogger().addHandler(handler)
        out, err = _Tee(self, "stdout", sys.stdout), _Tee(self, "stderr", sys.stderr)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                yield
        except BaseException as error:
            self.add("".join(traceback.format_exception(error)))
            raise
        finally:
            logging.getLogger().removeHandler(handler)
            ours.setLevel(level)
            out.end_line()
            err.end_line()
            self.save()


@final
class _Tee(io.TextIOBase):
    """A stream that writes to the one before it, and whole lines to a log."""

    def __init__(self, log: TrialLog, name: str, stream: TextIO):
        self._log = log
        self._name = name
        self._stream = stream
        self._line = ""

    def write(self, text: str) -> int:
        """Writes text to both."""
        self._stream.write(text)
        *whole, self._line = (self._line + text).split("\n")
        self._line = self._line[-_MAX_BYTES:]
        for line in whole:
            self._add(line)
        return len(text)

    def end_line(self) -> None:
        """Adds what came after the last end of a line."""
        if self._line:
            self._add(self._line)
            self._line = ""

    def flush(self) -> None:
        """Flushes the stream before this one."""
        self._stream.flush()

    def fileno(self) -> int:
        """Returns that of the stream before this one."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Returns whether the stream before this one is a terminal."""
        return self._stream.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream before this one."""
        return self._stream.encoding

    def _add(self, line: str) -> None:
        shown = line.rstrip("\r").rpartition("\r")[2]  # of a progress bar, as it is left
        self._log.add(f"{self._name}: {shown}")


@final
class _Handler(logging.Handler):
    """Adds records to a log. Where it is the only handler, warnings still go to stderr."""

    def __init__(self, log: TrialLog):
        super().__init__()
        self._log = log
        self._stream = None if logging.getLogger().handlers else sys.stderr

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.name == "tensorflow" and _RETRACING in text:
            return
        is_usual = record.levelno == logging.INFO and record.name.startswith(_OURS)
        self._log.add(text if is_usual else f"{record.levelname.lower()}: {record.name}: {text}")
        if self._stream is not None and record.levelno >= logging.WARNING:
            with contextlib.suppress(OSError, ValueError):  # as logging itself does
                self._stream.write(f"{text}\n")


def _device() -> str:
    """Returns what TensorFlow computes on, if it is loaded: a log does not load it."""
    tensorflow: Any = sys.modules.get("tensorflow")
    gpus = tensorflow.config.list_physical_devices("GPU") if tensorflow else []
    if not gpus:
        threads = os.environ.get("OMP_NUM_THREADS", "all")
        return f"CPU {platform.processor() or platform.machine()}, {threads} threads"
    details = [tensorflow.config.experimental.get_device_details(gpu) for gpu in gpus]
    names = ", ".join(str(each.get("device_name", "unknown")) for each in details)
    return f"GPU {names} (CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES', '')})"


def _now() -> float:
    return datetime.datetime.now(datetime.UTC).timestamp()
