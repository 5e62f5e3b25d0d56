"""MLflow's own pages over a workspace, served to this machine alone."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, final

import psutil

from search.errors import TrackerError
from search.tracking.client import EXPERIMENT

_HOST: Final = "127.0.0.1"
_START_SECONDS: Final = 120.0
_END_SECONDS: Final = 10.0
_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven more processes, of no use here
    "PYTHONWARNINGS": "ignore",
}


@final
class Server:
    """An MLflow server that answers. Made by `serving`."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int):
        self._process = process
        self._address = f"http://{_HOST}:{port}"

    @property
    def url(self) -> str:
        """Page of the searches' runs; MLflow's own first page is one of chat programs."""
        query = f"{self._address}/api/2.0/mlflow/experiments/get-by-name?experiment_name="
        try:
            with urllib.request.urlopen(query + EXPERIMENT, timeout=5) as answer:
                number = json.load(answer)["experiment"]["experiment_id"]
        except (OSError, ValueError, KeyError):  # none yet
            return self._address
        return f"{self._address}/#/experiments/{number}/runs?workflowType=machine_learning"

    def wait(self) -> None:
        """Returns when the server has ended."""
        self._process.wait()


@contextlib.contextmanager
def serving(database: Path, artifacts: str, port: int) -> Iterator[Server]:
    """Starts MLflow's server and, when the block is left, ends it with all its processes.

    SIGTERM and a closed terminal leave the block as Ctrl-C does, by `KeyboardInterrupt`.

    Args:
        database: MLflow's SQLite file.
        artifacts: URI of the folder of pictures.
        port: On 127.0.0.1.

    Raises:
        TrackerError: If the port is taken, or the server does not start.
    """
    _check_free(port)
    command = [sys.executable, "-m", "mlflow", "server", "--host", _HOST, "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{database}"]
    command += ["--artifacts-destination", artifacts, "--workers", "1"]
    command += ["--uvicorn-opts", "--log-level warning"]
    with (
        tempfile.TemporaryFile() as log,
        _signals_raise(),
        _started(command, log) as process,
    ):
        _wait_until_it_answers(f"http://{_HOST}:{port}", process, log)
        yield Server(process, port)


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    def end(*_: Any) -> None:
        for number in _ENDINGS:  # a second Ctrl-C must not disturb the end
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _started(command: list[str], log: IO[bytes]) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={**os.environ, **_ENVIRONMENT},
        start_new_session=True,  # a terminal's Ctrl-C reaches this process alone, which ends it
    )
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [psutil.Process(process.pid)]
        family += family[0].children(recursive=True)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.terminate()
        for member in psutil.wait_procs(family, _END_SECONDS)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
    process.wait()


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise TrackerError(
                f"Cannot listen on {_HOST}:{port}: {error.strerror}. `--port` names another port."
            ) from error


def _wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]", log: IO[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    log.seek(0)
    said = log.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
    raise TrackerError(f"MLflow's server did not start: {' '.join(said[-1].split())[:300]}")
