"""An MLflow store and a driver of a small study."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.tracking.client import EXPERIMENT, MlflowRuns
from search.workspace import Workspace
from tests.search.tracking.mlflow_study import (
    Driver,
    driving,
    make_config,
)


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An MLflow store as it is first made; that takes seconds, so it is copied for each test."""
    folder = tmp_path_factory.mktemp("mlflow")
    MlflowRuns(f"sqlite:///{folder / 'mlflow.db'}", folder.as_uri(), "nobody").open()
    (folder / "mlflow.db-journal").unlink(missing_ok=True)
    _delete_experiment(folder / "mlflow.db")
    return (folder / "mlflow.db").read_bytes()


def _delete_experiment(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM experiments WHERE name = ?", (EXPERIMENT,))
        connection.commit()


@pytest.fixture
def workspace(tmp_path: Path, empty_mlflow: bytes) -> Workspace:
    workspace = Workspace.at(tmp_path / "workspace")
    workspace.make()
    (workspace.folder / "mlflow.db").write_bytes(empty_mlflow)
    return workspace


@pytest.fixture
def driver(workspace: Workspace) -> Iterator[Driver]:
    with driving(workspace, make_config(None)) as driver:
        yield driver
