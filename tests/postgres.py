"""A private PostgreSQL server on loopback, where one is installed."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any


def programs() -> Path | None:
    """Returns the folder of PostgreSQL's programs, None if it is not installed."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = Path(found) if found else (debian[-1] if debian else None)
    return None if path is None else path.resolve().parent


class PostgresServer:
    """A server with a password of its own. `start` and `stop` may be called again and again.

    Args:
        folder: Empty; of its data.
    """

    def __init__(self, folder: Path):
        found = programs()
        assert found is not None, "PostgreSQL is not installed"
        self._programs, self._folder = found, folder
        self._port = free_port()
        self._user = _ordinary_user(folder)
        password = secrets.token_hex(16)
        self.url = f"postgresql+psycopg://vaesearch:{password}@127.0.0.1:{self._port}/postgres"
        (folder / "password").write_text(password)
        options = {"-D": folder / "data", "-U": "vaesearch", "-A": "scram-sha-256", "-E": "UTF8"}
        words = [word for option in options.items() for word in option]
        if self._user:
            shutil.chown(folder / "password", "nobody")
        make = [found / "initdb", *words, "--no-sync", f"--pwfile={folder / 'password'}"]
        subprocess.run(make, check=True, capture_output=True, **self._user)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": self._folder,
            "fsync": "off",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *words],
                stderr=log,
                **self._user,
            )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Ends it and its clients."""
        self._server.send_signal(signal.SIGINT)
        self._server.wait(timeout=30)

    def _wait_until_it_answers(self) -> None:
        import psycopg

        plain = self.url.replace("+psycopg", "")
        for _ in range(200):
            assert self._server.poll() is None, "PostgreSQL ended at once"
            try:
                psycopg.connect(plain, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                try:
                    self._server.wait(timeout=0.1)
                except subprocess.TimeoutExpired:
                    continue
        raise TimeoutError("PostgreSQL did not answer")


def free_port() -> int:
    """Returns a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ordinary_user(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    shutil.chown(folder, "nobody")
    return {"user": "nobody", "cwd": folder}
