"""MLflow's tables in PostgreSQL itself, without a server before them; real PostgreSQL."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from search.errors import TrackerError
from search.tracking.projector import projecting
from search.workspace import Workspace
from tests.commands import Commands
from tests.postgres import PostgresServer, programs
from tests.search.tracking.mlflow_postgres import database_in, text_below
from tests.search.tracking.mlflow_study import (
    assert_like_the_study,
    driving,
    make_config,
    wait_until,
)
from tests.search.tracking.test_basic_auth import comparable, make_search
from tests.search.tracking.test_servers import rebuilt, record_of

pytestmark = pytest.mark.slow


@pytest.fixture
def database(postgres_url: str) -> Iterator[sa.URL]:
    """An empty one; MLflow's own tables are made by the first who asks."""
    with database_in(postgres_url) as url:
        yield sa.engine.make_url(url)


def test_a_search_is_told_with_its_password_in_the_environment_alone(
    database: sa.URL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    password = str(database.password)
    uri = database.render_as_string(hide_password=False).replace(f":{password}@", "@")
    call, driver = Commands(monkeypatch, capsys, tmp_path), make_search(tmp_path, uri)
    words = ("sync", "demo", "--workspace", driver.workspace.folder, "--json")
    errors = []
    monkeypatch.delenv("PGPASSWORD", raising=False)
    for wrong in (None, "wrong-one"):
        if wrong is not None:
            monkeypatch.setenv("PGPASSWORD", wrong)
        errors.append(call(*words).error)
        assert errors[-1].startswith("Cannot open MLflow's database postgresql+psycopg://127.0.0.1")
        assert "PGPASSWORD holds the password, unless the address does." in errors[-1]
    monkeypatch.setenv("PGPASSWORD", password)
    assert call(*words).status == 0
    assert_like_the_study(driver)
    whole = record_of(uri)
    assert call(*words).status == 0
    assert comparable(record_of(uri)) == comparable(whole)
    with driving(driver.workspace, make_config(uri)) as again:
        assert comparable(rebuilt(again, tmp_path / "again")) == comparable(whole)
    for text in (*errors, text_below(tmp_path)):
        assert password not in text
        assert "wrong-one" not in text


@contextlib.contextmanager
def stopping_server() -> Iterator[PostgresServer]:
    """A server of the test's own, in a folder that PostgreSQL's ordinary user reaches."""
    with tempfile.TemporaryDirectory(prefix="vaesearch-postgres-") as folder:
        server = PostgresServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def test_a_database_that_goes_away_and_returns_lacks_nothing(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    if programs() is None:
        pytest.skip("no PostgreSQL server to stop and start")
    workspace, said = Workspace.at(tmp_path / "workspace"), list[str]()
    workspace.make()
    with (
        stopping_server() as server,
        driving(workspace, make_config(server.url)) as driver,
    ):
        mirror = driver.mirror()
        driver.whole_trial()
        mirror.flush()
        server.stop()
        driver.whole_trial()
        with pytest.raises(TrackerError, match=r"^[^\n]+$") as error:
            mirror.flush()
        with projecting(driver.reader, driver.writer, workspace, said.append, lambda: True):
            wait_until(lambda: said, "it is said that MLflow fails")
        server.start()
        mirror.flush(is_last=True)
        assert_like_the_study(driver)
        assert str(sa.engine.make_url(server.url).password) not in f"{said}{error.value}"
    assert "`vaesearch sync demo` writes it" in said[-1]
