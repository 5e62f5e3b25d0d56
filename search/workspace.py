"""A workspace: the folder where one user's searches live."""

import dataclasses
import os
from pathlib import Path
from typing import final

from search.config import StudyConfig
from search.errors import NotFoundError, SearchError

DEFAULT_FOLDER = "vaesearch-workspace"
# Another study database than the workspace's own SQLite file. An environment variable, because it
# holds a password.
STUDY_URL = "VAESEARCH_STUDY_URL"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Workspace:
    """Where the study database, MLflow's, the store and derived files are by default.

    Attributes:
        folder: Absolute path.
        database: SQLAlchemy URL of a study database elsewhere, None for a file in the folder.
    """

    folder: Path
    database: str | None = dataclasses.field(default=None, repr=False)

    @classmethod
    def at(cls, folder: str | Path | None) -> "Workspace":
        """Returns the workspace in `folder`, by default `vaesearch-workspace` in the current one.

        The variable VAESEARCH_STUDY_URL names a study database elsewhere, such as PostgreSQL's.
        Nothing is made or looked at.
        """
        path = Path(folder or DEFAULT_FOLDER).expanduser().absolute()
        return cls(path, os.environ.get(STUDY_URL))

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
        """Returns the store of a study: its own choice, else a folder of the workspace.

        The latter is not written down anywhere, so that a workspace may be moved.
        """
        return config.store or str(self.folder / "store")

    def tracking_uri(self, config: StudyConfig) -> str:
        """Returns MLflow's address: the study's choice, else an SQLite file of the workspace."""
        return config.tracking.uri or f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def artifacts(self) -> str:
        """Where a local MLflow keeps pictures, as a URI."""
        return (self.folder / "mlflow-artifacts").as_uri()
