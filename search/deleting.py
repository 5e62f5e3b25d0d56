"""Deleting a search: its store, its runs in MLflow, its rows. Said again, it finishes what a crash
left: the rows, by which the rest is found, go last."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any, final

from search.errors import LeaseLostError, TrackerError
from search.files import Files
from search.study.database import open_database
from search.study.lease import Lease
from search.study.projections import SEARCH_ITSELF, Projections
from search.study.reader import StudyReader
from search.study.removal import remove_search
from search.tracking.removal import remove_runs
from search.workspace import Workspace


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Contents:
    """What there is of a search.

    Attributes:
        num_trials: In the study.
        num_files: In the store.
        num_bytes: Of these files together.
        folder: Where they are.
        num_runs: In MLflow, as far as it was told.
    """

    num_trials: int
    num_files: int
    num_bytes: int
    folder: str
    num_runs: int

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return dataclasses.asdict(self)


@final
class Deletion:
    """A search that is about to be deleted; made by `deleting`."""

    def __init__(self, reader: StudyReader, workspace: Workspace, lease: Lease):
        self._reader = reader
        self._workspace = workspace
        self._lease = lease
        self._config = reader.record().config
        self._files = Files(workspace.known_store(self._config), reader.id)
        self._told = Projections(reader.engine, reader.id).read()
        self.is_done = False

    def contents(self) -> Contents:
        """Returns what will be deleted; errors as `carry_out`."""
        files = self._files.walk()
        return Contents(
            num_trials=len(self._reader.trials()),
            num_files=len(files),
            num_bytes=sum(file.num_bytes for file in files),
            folder=self._files.at(""),
            num_runs=len(self._told),
        )

    def carry_out(self) -> str | None:
        """Deletes everything. The name can be given to another search then.

        Returns:
            What is left in MLflow and why, if it could not be reached; else None.

        Raises:
            StoreError: If the store refuses. Say it again once it does not.
            LeaseLostError: If another driver took the search over.
        """
        self._files.delete_folder()
        left = self._remove_runs()
        remove_search(self._workspace.study_url, self._reader.id, self._lease)
        self.is_done = True
        return left

    def _remove_runs(self) -> str | None:
        if not self._told:
            return None  # MLflow never heard of it, and need not be there
        uri = self._workspace.tracking_uri(self._config)
        try:
            remove_runs(uri, self._workspace.artifacts, self._reader.id)
        except TrackerError as error:
            parent = self._told.get(SEARCH_ITSELF)
            named = f" Its own run is {parent.run_id}." if parent else ""
            return (
                f"MLflow may still have {len(self._told)} runs with the tag vaesearch.search_id = "
                f"{self._reader.id}.{named} It could not be asked: {error}"
            )
        return None


@contextlib.contextmanager
def deleting(name: str, workspace: Workspace) -> Iterator[Deletion]:
    """Holds a search, so that nobody runs it while it is deleted.

    Raises:
        LeaseHeldError: If a driver runs it.
        NotFoundError: If there is none of that name.
    """
    engine = open_database(workspace.study_url)
    reader = StudyReader(engine, name)
    lease = Lease.take(engine, reader.id)
    deletion = None
    try:
        deletion = Deletion(reader, workspace, lease)
        yield deletion
    finally:
        is_gone = deletion is not None and deletion.is_done
        with contextlib.suppress(LeaseLostError) if is_gone else contextlib.nullcontext():
            lease.release()
        engine.dispose()
