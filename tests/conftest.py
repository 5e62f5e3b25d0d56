"""Fixtures of several files: databases, stores, images."""

import contextlib
import functools
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.postgres import PostgresServer, programs
from tests.running import CACHE
from tests.s3_server import BUCKET, s3_running

settings.register_profile("vaesearch", deadline=None)  # no test depends on time
settings.load_profile("vaesearch")


def pytest_configure(config: pytest.Config) -> None:
    """Gives this home a token of Ray's, and all tests a cache to share.

    The token as its first local cluster would do: made by one of the tests, it would part nodes
    that begin afterwards from a head that began before.
    """
    if CACHE not in os.environ:  # the process that starts the others, which inherit it
        os.environ[CACHE] = tempfile.mkdtemp(prefix="vaesearch-cache-")
        config.add_cleanup(functools.partial(shutil.rmtree, os.environ[CACHE], ignore_errors=True))
    path = Path.home() / ".ray" / "auth_token"
    path.parent.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError), path.open("x") as file:
        file.write(secrets.token_hex(32))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Has the files that take longest come first, lest one process is left with them at the end."""
    minutes: dict[Path, float] = {}
    for item in items:
        marker = item.get_closest_marker("slow")
        own = marker.kwargs.get("minutes", 0) if marker else 0
        minutes[item.path] = max(own, minutes.get(item.path, 0))
    items.sort(key=lambda item: -minutes[item.path])


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
    if programs() is None:
        pytest.skip("no PostgreSQL server; install one or set VAESEARCH_TEST_POSTGRES")
    with tempfile.TemporaryDirectory(prefix="vaesearch-postgres-") as folder:
        server = PostgresServer(Path(folder))
        server.start()
        yield server.url
        server.stop()


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """The URL of an empty bucket, and the environment in which it can be used."""
    with s3_running():
        yield f"s3://{BUCKET}"


@pytest.fixture(params=["folder", "s3"])
def store_root(request, tmp_path) -> str:
    """An empty store, of either kind."""
    if request.param == "folder":
        return str(tmp_path / "store")
    return f"{request.getfixturevalue('s3_url')}/{secrets.token_hex(4)}/store"


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
