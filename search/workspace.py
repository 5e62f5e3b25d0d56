"""A workspace: the folder where one user's searches live."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import final

from search.config import StudyConfig
from search.errors import NotFoundError, SearchError

DEFAULT_FOLDER = "vaesearch-workspace"
# Another study database than the workspace's own SQLite file. An environment variable, because it
# holds a password.
STUDY_URL = "VAESEARCH_STUDY_URL"
# Defaults of studies that name no store, and no MLflow, of their own: those of a cluster.
STORE = "VAESEARCH_STORE"
MLFLOW_URI = "VAESEARCH_MLFLOW_URI"
CLUSTER = "VAESEARCH_CLUSTER"  # address of the jobs of the cluster that a command was given


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Workspace:
    """Where the study database, MLflow's, the store and derived files are by default.

    Attributes:
        folder: Absolute path.
        database: SQLAlchemy URL of a study database elsewhere, None for a file in the folder.
        default_store: Where studies without a store of their own keep weights; None: in the folder.
        default_tracking: The same of MLflow's address.
    """

    folder: Path
    database: str | None = dataclasses.field(default=None, repr=False)
    default_store: str | None = None
    default_tracking: str | None = None

    @classmethod
    def at(cls, folder: str | Path | None) -> "Workspace":
        """Returns the workspace in `folder`, by default `vaesearch-workspace` in the current one.

        The variable VAESEARCH_STUDY_URL names a study database elsewhere, such as PostgreSQL's;
        VAESEARCH_STORE and VAESEARCH_MLFLOW_URI the store and the MLflow of studies that name
        none. Nothing is made or looked at.
        """
        path = Path(folder or DEFAULT_FOLDER).expanduser().absolute()
        named = [os.environ.get(name) or None for name in (STUDY_URL, STORE, MLFLOW_URI)]
        return cls(path, *named)

    def make(self) -> None:
        """Makes the folder, unless it is there.

        Raises:
            SearchError: If it cannot be made or written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / ".writable"
            probe.touch()
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise SearchError(
                f"Cannot use the workspace {self.folder}: {error.strerror}. "
                "Name another folder with `--workspace`."
            ) from error

    @contextlib.contextmanager
    def made(self) -> Iterator[None]:
        """Makes the folder, unless it is there. If what is done inside is refused, a new one is
        removed again, unless something was put into it.

        Raises:
            SearchError: As `make`.
        """
        is_new = not self.folder.exists()
        self.make()
        try:
            yield
        except BaseException:
            if is_new:
                _remove_if_empty(self.folder)
            raise

    def check(self) -> None:
        """Checks that searches were run here and can be read.

        Raises:
            NotFoundError: If there is no study database.
            SearchError: If the folder is read-only.
        """
        if self.database is not None:
            return  # whoever opens it finds out
        if not self.study_file.is_file():
            raise NotFoundError(
                f"No search was run in the workspace {self.folder} yet. `vaesearch run` starts "
                "one; `--workspace` names another folder."
            )
        if not os.access(self.folder, os.W_OK):  # SQLite writes files of its own beside a database
            raise SearchError(
                f"The workspace {self.folder} cannot be written to, which reading its database "
                "needs as well. Make it writable, or look at a copy."
            )

    @property
    def study_url(self) -> str:
        """SQLAlchemy URL of the study database."""
        return self.database or f"sqlite:///{self.study_file}"

    @property
    def study_file(self) -> Path:
        """The study database as an SQLite file."""
        return self.folder / "study.db"

    @property
    def cache(self) -> Path:
        """Folder of files that can be made again: images, extractors, reference statistics."""
        return self.folder / "cache"

    def store(self, config: StudyConfig) -> str:
        """Returns the store of a study: its own choice, VAESEARCH_STORE, or a folder in here.

        The latter is not written down anywhere, so that a workspace may be moved.
        """
        return config.store or self.default_store or str(self.folder / "store")

    def known_store(self, config: StudyConfig) -> str:
        """As `store`, for commands that read or delete what is there.

        Raises:
            SearchError: If the search is on a cluster whose store nothing names here: a folder of
                this machine would be taken for it.
        """
        if os.environ.get(CLUSTER) and not (config.store or self.default_store):
            raise SearchError(
                f"Name the store of the cluster, where `{config.name}` keeps its files: `store` in "
                f"the cluster's profile, or the variable {STORE}. Where only the cluster can reach "
                "it, say this on its head."
            )
        return self.store(config)

    def tracking_uri(self, config: StudyConfig) -> str:
        """Returns MLflow's address: the study's choice, VAESEARCH_MLFLOW_URI, or a file in here."""
        own = f"sqlite:///{self.folder / 'mlflow.db'}"
        return config.tracking.uri or self.default_tracking or own

    @property
    def artifacts(self) -> str:
        """Where a local MLflow keeps pictures, as a URI."""
        return (self.folder / "mlflow-artifacts").as_uri()


def _remove_if_empty(folder: Path) -> None:
    """Removes a folder and those in it, but for what has files in it."""
    inside = sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True)
    for path in (*inside, folder):
        with contextlib.suppress(OSError):  # not empty
            path.rmdir()
