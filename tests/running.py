"""Running the real command in its own process, as a user does, and waiting for what it does."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from search.study.database import open_database
from search.study.reader import StudyReader

CACHE = "VAESEARCH_TEST_CACHE"  # names the folder of `share_cache`
DEADLINE_SECONDS = 480.0  # much more than a command takes: two tests share the cores


def share_cache(folder: Path) -> None:
    """Gives the folder's workspace, which must be new, what other tests' searches have derived of
    the same images: the second search of a workspace finds as much."""
    (folder / "ws").mkdir()
    (folder / "ws" / "cache").symlink_to(os.environ[CACHE])


class Command:
    """A `vaesearch` command under way; its output is kept in a file."""

    def __init__(self, folder: Path, *arguments: str, **environment: str):
        self._log = folder / f"output-{time.monotonic_ns()}.txt"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "search.cli.main", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=folder,
                env={**os.environ, "VAESEARCH_WORKSPACE": str(folder / "ws"), **environment},
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def wait(self, seconds: float = DEADLINE_SECONDS, status: int = 0) -> None:
        """Waits for the end, which must be of that status; a command that hangs is ended."""
        try:
            found = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.end()
            raise AssertionError(f"still running after {seconds} s:\n{self.output}") from None
        assert found == status, f"exit status {found}, not {status}:\n{self.output}"

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        """Ends the process and all that it started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.wait(30)


@contextlib.contextmanager
def running(folder: Path, *arguments: str, **environment: str) -> Iterator[Command]:
    """Starts a command, and ends it with everything it started when the test is over."""
    command = Command(folder, *arguments, **environment)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.end()


def finished(folder: Path, *arguments: str, status: int = 0, **environment: str) -> str:
    """Runs a command to its end and returns its output; another exit status is a failure."""
    with running(folder, *arguments, **environment) as command:
        command.wait(status=status)
        return command.output


def reader(folder: Path, name: str) -> StudyReader:
    """Returns a search of the folder's workspace."""
    return StudyReader(open_database(f"sqlite:///{folder / 'ws' / 'study.db'}"), name)


def wait_until(
    condition: Callable[[], bool], command: Command, seconds: float = DEADLINE_SECONDS
) -> None:
    """Waits for a condition that a running command brings about; fails if it ends before."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert command.process.poll() is None, f"ended too early:\n{command.output}"
        assert time.monotonic() < deadline, f"did not happen in {seconds} s:\n{command.output}"
        time.sleep(0.05)
