"""A real MLflow server that can be killed and started again."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.search.tracking.mlflow_study import wait_until


def free_port() -> int:
    """Returns a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def mlflow_server(
    folder: Path, port: int, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Runs a server over an SQLite file; it is killed, not stopped, in the end."""
    arguments = ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--workers", "1"]
    arguments += ["--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *arguments, "--port", str(port), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **(environment or {})},
        start_new_session=True,
    )
    try:
        wait_until(lambda: _answers(port), "the MLflow server answers")
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
