"""MLflow's errors as people read them: one line, what to do, no password."""

import pytest

from search.errors import TrackerError
from search.tracking.client import MlflowRuns
from search.tracking.database import check_database
from search.tracking.failures import explained, without_password
from search.workspace import Workspace

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://ada:s3cr3t@host:5000/a is away", "http://host:5000/a is away"),
        ("http://ada:s3cr3t@x@host/a", "http://host/a"),
        ("postgresql+psycopg://ada:s3/cr3t@host:5432/db", "postgresql+psycopg://host:5432/db"),
        ("postgresql://h/db?a=b&password=s3cr3t&c=d", "postgresql://h/db?a=b&password=***&c=d"),
        ("sqlite:////folder/file.db", "sqlite:////folder/file.db"),
        ("http://host:5000/of@someone", "http://host:5000/of@someone"),
        ("s3cr3t is no address", "s3cr3t is no address"),
    ],
)
def test_addresses_lose_user_and_password_and_nothing_else(text: str, expected: str) -> None:
    assert without_password(text) == expected


def test_any_error_is_one_short_line() -> None:
    line = explained(OSError("first\nsecond " + "x" * 1000))
    assert line.startswith("first second x")
    assert len(line) == 300


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("postgresql+psycopg://ada:s3cr3t@127.0.0.1:1/mlflow", "refused"),
        ("postgresql+psycopg://ada:s3cr3t@127.0.0.1:port/mlflow", "'port'"),
        ("mysql+nonesuch://ada:s3cr3t@127.0.0.1:1/mlflow", "nonesuch"),
        ("mysql+mysqldb://ada:s3cr3t@127.0.0.1:1/mlflow", "No module named 'MySQLdb'. Install"),
        ("nonesuch://ada:s3cr3t@127.0.0.1/mlflow", "unsupported URI 'nonesuch://127.0.0.1/mlflow'"),
    ],
)
def test_a_store_that_cannot_be_opened_is_refused_at_once(
    uri: str, said: str, tmp_path: object
) -> None:
    if "psycopg" in uri:
        pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    runs = MlflowRuns(uri, Workspace.at(str(tmp_path)).artifacts, "search")
    with pytest.raises(TrackerError, match=said) as error:
        runs.open()
    assert SECRET not in str(error.value)
    assert "\n" not in str(error.value)


def test_other_addresses_are_left_to_mlflow() -> None:
    check_database("http://127.0.0.1:1")
    check_database("sqlite:////nowhere/at/all.db")
