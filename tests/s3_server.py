"""A real S3 server on loopback, in a process of its own."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.postgres import free_port

BUCKET = "lab"
_TRIES = 300


class S3Server:
    """Keeps everything in memory. `environment` is what its clients need."""

    def __init__(self) -> None:
        self._address = f"127.0.0.1:{free_port()}"
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://{self._address}",
            "AWS_ACCESS_KEY_ID": "vaesearch-test",
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16),
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        """Starts it and waits until it answers; its bucket is empty."""
        host, _, port = self._address.rpartition(":")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", host, "-p", port],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(_TRIES):
            assert self._process.poll() is None, "the S3 server ended at once"
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                return self._make_bucket()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=0.1)
        raise TimeoutError("the S3 server did not answer")

    def stop(self) -> None:
        """Ends it, and with it all that it holds."""
        self._process.terminate()
        self._process.wait(timeout=30)

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Has it take connections, and answer nothing, while the body runs."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _make_bucket(self) -> None:
        url = f"http://{self._address}/{BUCKET}"
        urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=10).close()


@contextlib.contextmanager
def s3_running() -> Iterator[S3Server]:
    """Yields a server that this process's S3 stores are on while the body runs."""
    pytest.importorskip("moto", reason="the extra `test` is not installed")
    server = S3Server()
    server.start()
    try:
        with pytest.MonkeyPatch.context() as patched:
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                patched.delenv(name)
            for name, value in server.environment.items():
                patched.setenv(name, value)
            yield server
    finally:
        server.stop()
