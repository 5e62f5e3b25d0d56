"""MLflow's tables in a database of their own on a real PostgreSQL server, and who may read them."""

import contextlib
import dataclasses
import json
import secrets
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.search.tracking.mlflow_server import free_port, mlflow_server

_INI = """[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/users.db
admin_username = {user}
auth_cache_ttl_seconds = 60
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


@dataclasses.dataclass(frozen=True)
class Account:
    """Someone who may ask an MLflow server."""

    user: str
    password: str

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Has every later request of this process made by this account."""
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", self.user)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", self.password)


def make_account(user: str) -> Account:
    """Returns an account with a password that nothing else is called by accident."""
    return Account(user, f"pass-{secrets.token_hex(12)}")


@dataclasses.dataclass(frozen=True)
class Service:
    """An MLflow server that lets in only whom it knows.

    Attributes:
        port: On 127.0.0.1.
        database: Of its runs, an SQLAlchemy URL.
        folder: Where its files are.
        admin: May do everything.
        guest: May read what others made.
    """

    port: int
    database: str
    folder: Path
    admin: Account
    guest: Account

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url_of(self, account: Account) -> str:
        """Returns the address with user and password in it."""
        return f"http://{account.user}:{account.password}@127.0.0.1:{self.port}"

    def everything(self) -> str:
        """Returns all that the server keeps of runs, as text."""
        engine = sa.create_engine(self.database, poolclass=sa.NullPool)
        with engine.connect() as connection:
            rows = [
                str(row)
                for table in sa.inspect(engine).get_table_names()
                for row in connection.execute(sa.text(f'SELECT * FROM "{table}"'))
            ]
        assert len(rows) > 50
        return "\n".join(rows) + text_below(self.folder / "artifacts")


def text_below(folder: Path) -> str:
    """Returns what the files of a folder hold, read as text whatever they are."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert files
    return "\n".join(path.read_bytes().decode(errors="replace") for path in files)


@contextlib.contextmanager
def database_in(postgres_url: str) -> Iterator[str]:
    """Makes an empty database, and removes it with whoever is connected to it in the end."""
    name = f"mlflow_{secrets.token_hex(6)}"
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield engine.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def basic_auth_service(folder: Path, database: str) -> Iterator[Service]:
    """Runs `mlflow server --app-name basic-auth` over a database."""
    service = Service(free_port(), database, folder, make_account("ada"), make_account("eve"))
    (folder / "auth.ini").write_text(_INI.format(folder=folder, user=service.admin.user))
    options = ("--backend-store-uri", database, "--app-name", "basic-auth")
    environment = {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": service.admin.password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(),
    }
    with mlflow_server(folder, service.port, *options, environment=environment):
        _add_user(service, service.guest)
        yield service


def _add_user(service: Service, account: Account) -> None:
    known = f"{service.admin.user}:{service.admin.password}".encode()
    request = urllib.request.Request(
        f"{service.url}/api/2.0/mlflow/users/create",
        json.dumps({"username": account.user, "password": account.password}).encode(),
        {
            "Authorization": f"Basic {b64encode(known).decode()}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
