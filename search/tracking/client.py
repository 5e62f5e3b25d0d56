"""The only calls into MLflow. Whatever goes wrong there comes out as a `TrackerError`."""

import contextlib
import dataclasses
import json
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import sqlalchemy as sa

from search.errors import TrackerError
from search.importing import without_collecting
from search.study.projections import SEARCH_ITSELF
from search.tracking.database import check_database
from search.tracking.entries import shown
from search.tracking.failures import explained, without_password
from search.tracking.local_file import LocalFile

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT: Final = "vaesearch"
SEARCH_TAG: Final = "vaesearch.search_id"
TRIAL_TAG: Final = "vaesearch.trial"
PARENT_TAG: Final = "mlflow.parentRunId"

_PAGE: Final = 1000  # runs per request
_LONGEST_PARAM: Final = 6000  # characters
_LONGEST_TAG: Final = 8000
_LONGEST_DATASET: Final = 500
_LONGEST_MODEL: Final = 256
_DIGEST: Final = 36
_USER_VARIABLE: Final = "MLFLOW_TRACKING_USERNAME"
_ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    # Whoever calls tries again; MLflow's own retries take minutes, and may create a run twice.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
# Errors about what was sent, not about the connection.
_REFUSALS: Final = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST")


class RefusedError(TrackerError):
    """MLflow was reached and does not take what it was sent, or does not know the run."""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """One value of one metric, measured at `unix_time` seconds since 1970."""

    name: str
    value: float
    unix_time: float
    step: int


@final
@dataclasses.dataclass(frozen=True, slots=True)
class FoundRun:
    """A run that MLflow has."""

    id: str
    tags: Mapping[str, str]


@final
class MlflowRuns:
    """The runs of one search in an MLflow store. Not for use by several threads.

    Args:
        uri: An MLflow server, or a database.
        artifacts: Where pictures go if no server decides that.
        search_id: The search.

    Attributes:
        uri: MLflow, as it was named.
    """

    def __init__(self, uri: str, artifacts: str, search_id: str):
        self.uri = uri
        self._artifacts = None if uri.startswith(("http:", "https:")) else artifacts
        self._search_id = search_id
        self._file: LocalFile | None = None
        self._client: MlflowClient
        self._experiment_id: str

    def open(self) -> dict[int, list[FoundRun]]:
        """Connects, and returns the search's runs by trial, oldest first.

        Raises:
            TrackerError: If MLflow cannot be reached or used.
        """
        with without_collecting():
            _prepare_mlflow()
        with self._translated():
            from mlflow import MlflowClient

            self._file = LocalFile.of(self.uri)
            uri = self._file.open() if self._file else _address(self.uri)
            check_database(uri)
            with without_collecting():  # it imports more
                self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)
            self._experiment_id = self._find_experiment()
            return self._find_runs()

    def check(self) -> None:
        """Checks what MLflow does not notice itself: that its file is still there."""
        if self._file is not None:
            self._file.check()

    def create(self, trial: int, name: str, unix_time: float, tags: Mapping[str, str]) -> str:
        """Returns the id of a new run, whose status is RUNNING."""
        own = {SEARCH_TAG: self._search_id, TRIAL_TAG: str(trial)}
        with self._translated():
            run = self._client.create_run(
                self._experiment_id, _milliseconds(unix_time), {**own, **tags}, name
            )
            return str(run.info.run_id)

    def log(
        self,
        run_id: str,
        points: Sequence[Point] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Adds to a run in as few requests as MLflow allows. What it has already changes nothing.

        Raises:
            RefusedError: If a param has another value already, or the run does not exist.
            TrackerError: If MLflow cannot be reached.
        """
        with self._translated():
            from mlflow.entities import Metric, Param, RunTag

            self._client.log_batch(  # splits what is too much for one request
                run_id,
                metrics=[
                    Metric(_name(p.name), p.value, _milliseconds(p.unix_time), p.step)
                    for p in points
                ],
                params=[
                    Param(_name(k), shown(v, _LONGEST_PARAM)) for k, v in (params or {}).items()
                ],
                tags=[RunTag(_name(k), shown(v, _LONGEST_TAG)) for k, v in (tags or {}).items()],
            )

    def set_status(self, run_id: str, status: str, ended_at: float | None = None) -> None:
        """Sets a run to RUNNING or SCHEDULED; with its end to FINISHED, KILLED or FAILED."""
        with self._translated():
            if ended_at is None:
                self._client.update_run(run_id, status)
            else:
                self._client.set_terminated(run_id, status, _milliseconds(ended_at))

    def add_files(self, run_id: str, files: Mapping[str, bytes], place: str = "") -> None:
        """Adds files to a run, or replaces those of these names.

        Args:
            run_id: The run.
            files: Name -> content; names may have folders.
            place: Folder of the run.
        """
        with self._translated(), tempfile.TemporaryDirectory(prefix="vaesearch-") as folder:
            for name, content in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            self._client.log_artifacts(run_id, folder, place or None)

    def add_dataset(self, run_id: str, name: str, content_hash: str) -> None:
        """Names the images that a run was trained on."""
        with self._translated():
            from mlflow.entities import Dataset, DatasetInput, InputTag

            source = json.dumps({"dataset": name, "sha256": content_hash})
            images = Dataset(name[:_LONGEST_DATASET], content_hash[:_DIGEST], "vaesearch", source)
            role = [InputTag("mlflow.data.context", "training")]
            self._client.log_inputs(run_id, [DatasetInput(images, role)])

    def register(
        self, run_id: str, folder: Path, place: str, name: str, tags: Mapping[str, str]
    ) -> int:
        """Adds a saved model to a run's files and to the registry; returns its version there."""
        with self._translated():
            self._make_model(name)  # first: a name that MLflow refuses leaves no files behind
            self._client.log_artifacts(run_id, str(folder), place)
            source = f"{self._client.get_run(run_id).info.artifact_uri}/{place}"
            made = self._client.create_model_version(name, source, run_id, dict(tags))
            return int(made.version)

    def delete(self, run_id: str) -> None:
        """Marks a run as deleted; `mlflow gc` removes what is marked."""
        with self._translated():
            self._client.delete_run(run_id)

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        return translated(self.uri)

    def _make_model(self, name: str) -> None:
        """Makes the model in the registry, unless it is there."""
        from mlflow.exceptions import MlflowException

        if len(name) > _LONGEST_MODEL:  # SQLite keeps it, other databases answer with SQL
            raise RefusedError(
                f"A model's name has at most {_LONGEST_MODEL} characters in MLflow. "
                f"Received: {len(name)}, with `-encoder` or `-decoder` at its end."
            )
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _find_experiment(self) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            return str(self._client.create_experiment(EXPERIMENT, self._artifacts))
        if found.lifecycle_stage != "active":
            raise TrackerError(
                f"The experiment `{EXPERIMENT}` was deleted in MLflow. Bring it back with "
                f"`mlflow experiments restore --experiment-id {found.experiment_id}`."
            )
        return str(found.experiment_id)

    def _find_runs(self) -> dict[int, list[FoundRun]]:
        runs: dict[int, list[FoundRun]] = {}
        token: Any = None
        while True:
            page = self._client.search_runs(
                [self._experiment_id],
                f"tags.`{SEARCH_TAG}` = '{self._search_id}'",
                max_results=_PAGE,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            for run in page:
                found = FoundRun(str(run.info.run_id), run.data.tags)
                trial = int(found.tags.get(TRIAL_TAG, SEARCH_ITSELF))
                runs.setdefault(trial, []).append(found)
            token = page.token
            if not token:
                return runs


def _prepare_mlflow() -> None:
    """Makes MLflow quiet and quick to fail, before it is imported for the first time."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401 - configures its loggers, which are then set back

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _address(uri: str) -> str:
    """Returns where MLflow is asked: without a password that the environment has another one for.

    A study's address is kept as it was written, so a password in it could never be changed.
    """
    is_server = uri.startswith(("http:", "https:"))
    return without_password(uri) if is_server and os.environ.get(_USER_VARIABLE) else uri


@contextlib.contextmanager
def translated(uri: str = "") -> Iterator[None]:
    """Turns MLflow's errors into a `TrackerError` of one line; `uri` is the MLflow it names."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        kind = RefusedError if error.error_code in _REFUSALS else TrackerError
        raise kind(explained(error, uri)) from error
    except TrackerError:
        raise
    except (OSError, sa.exc.SQLAlchemyError) as error:
        raise TrackerError(explained(error, uri)) from error


def _name(name: str) -> str:
    """Returns `name` with an underscore for each character that MLflow refuses in names."""
    return re.sub(r"[^\w.\-/: ]", "_", name)


def _milliseconds(unix_time: float) -> int:
    return int(unix_time * 1000)
