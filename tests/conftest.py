"""A private PostgreSQL server, where one is installed, for the tests of the study database."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database that the tests of a module share: making Optuna's tables takes a while."""
    return f"sqlite:///{tmp_path_factory.mktemp('study') / 'study.db'}"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """An empty database: the one of VAESEARCH_TEST_POSTGRES, else a server of our own."""
    if given := os.environ.get("VAESEARCH_TEST_POSTGRES"):
        yield given
        return
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server; install one or set VAESEARCH_TEST_POSTGRES")
    with tempfile.TemporaryDirectory(prefix="vaesearch-postgres-") as folder:
        yield from _serve(programs, Path(folder))


def _postgres_programs() -> Path | None:
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = Path(found) if found else (debian[-1] if debian else None)
    return None if path is None else path.resolve().parent


def _serve(programs: Path, folder: Path) -> Iterator[str]:
    password, port = secrets.token_hex(16), _free_port()
    (folder / "password").write_text(password)
    user = _ordinary_user(folder)
    options = {"-D": folder / "data", "-U": "vaesearch", "-A": "scram-sha-256", "-E": "UTF8"}
    words = [word for option in options.items() for word in option]
    make = [programs / "initdb", *words, "--no-sync", f"--pwfile={folder / 'password'}"]
    subprocess.run(make, check=True, capture_output=True, **user)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": folder,
        "fsync": "off",
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *words], stderr=log, **user
        )
    try:
        url = f"postgresql+psycopg://vaesearch:{password}@127.0.0.1:{port}/postgres"
        _wait_until_it_answers(url, server)
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # ends its clients too
        server.wait(timeout=30)


def _ordinary_user(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    for path in (folder, folder / "password"):
        shutil.chown(path, "nobody")
    return {"user": "nobody", "cwd": folder}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(url: str, server: "subprocess.Popen[bytes]") -> None:
    import psycopg

    plain = url.replace("+psycopg", "")
    for _ in range(200):
        assert server.poll() is None, "PostgreSQL ended at once"
        try:
            psycopg.connect(plain, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            try:
                server.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
    raise TimeoutError("PostgreSQL did not answer")


@pytest.fixture(scope="session")
def folders(tmp_path_factory) -> Any:
    """The digits, and a judge that was never trained: as good as any for comparing figures."""
    from search.models.images import ImageFolders
    from vaemodels.data import load_dataset
    from vaemodels.metrics.extractor import untrained_extractor

    cache = tmp_path_factory.mktemp("cache")
    dataset = load_dataset("digits", cache / "data")
    untrained_extractor(dataset).save(cache / "extractor")
    return ImageFolders(str(dataset.folder), str(cache / "extractor"), str(cache / "references"))
