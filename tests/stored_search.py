"""A search whose trials left files in a store, without training them."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pyarrow import fs

from search.candidates import front_candidates
from search.models.stored import candidate_files
from search.prune_plan import Plan
from search.pruning import plan_pruning
from search.store import TrialStore, pruned
from search.study.database import open_database
from search.study.reader import StudyReader
from search.study.searches import create_search
from search.trial import Measurement, TrialState
from search.workspace import Workspace
from tests.contracts.study_driver import Driver
from tests.search.examples import make_study

# (FID, TVD) after each epoch. On the front: 0@2, 1@1 and 4@2; 2@1 comes next, 3@2 after it.
FIGURES: Mapping[int, list[tuple[float, float]]] = {
    0: [(9.0, 0.9), (2.0, 0.5)],
    1: [(5.0, 0.1), (6.0, 0.2)],
    2: [(3.0, 0.6), (7.0, 0.7)],
    3: [(9.5, 0.9), (8.0, 0.8)],
    4: [(9.0, 0.95), (1.0, 0.9)],
}
FRONT = [(0, 2), (1, 1), (4, 2)]
RUNNING = 5


def save_epochs(store: TrialStore, trial: int, attempt: int, epochs: range) -> None:
    """Writes checkpoints as a training does: state, weights of every epoch, config, pictures."""
    checkpoint, weights = None, dict[str, str]()
    for epoch in epochs:
        state, name = f"state-{epoch:06d}-000000000.npz", f"weights-{epoch:06d}.npz"
        objects = {state: b"s" * 5_000, name: f"{trial}@{epoch}".encode() * 200}
        if checkpoint is None:
            objects["config.json"] = json.dumps({"trial": trial}).encode()
        if epoch == epochs[-1]:
            objects |= {"samples.png": b"png", "reconstructions.png": b"png"}
        weights[str(epoch)] = name
        notes = {"state": state, "weights": dict(weights), "measurements": []}
        kept = ["config.json", *weights.values()]
        carry = pruned(checkpoint, kept) if checkpoint else None
        checkpoint = store.save(trial, attempt, (epoch, 0), objects, notes, carry)
        store.tidy(checkpoint)
    store.write_log(trial, attempt, f"log of trial {trial}, attempt {attempt}\n")


def fill(workspace: Workspace, name: str) -> TrialStore:
    """Adds five trials that ended, the second after two attempts, and one that runs."""
    driver = Driver(workspace.study_url, name)
    store = TrialStore(workspace.store(driver.reader.record().config), driver.reader.id)
    for figures in FIGURES.values():
        trial = driver.writer.new_trial()
        attempt = driver.writer.start_attempt(trial)
        if trial.number == 1:
            save_epochs(store, trial.number, attempt, range(1, 2))
            driver.writer.release_trial(trial.number, attempt, "interrupted")
            attempt = driver.writer.start_attempt(driver.writer.trial(trial.number))
        save_epochs(store, trial.number, attempt, range(1, len(figures) + 1))
        measured = [
            Measurement(epoch, {"fid": fid, "tvd": tvd}, float(epoch), attempt)
            for epoch, (fid, tvd) in enumerate(figures, start=1)
        ]
        driver.writer.record(trial.number, attempt, measured)
        state = TrialState.FAILED if trial.number == 3 else TrialState.COMPLETE
        driver.writer.finish(trial.number, attempt, state, "why" if trial.number == 3 else None)
    trial = driver.writer.new_trial()
    attempt = driver.writer.start_attempt(trial)
    driver.writer.record(trial.number, attempt, [Measurement(1, {"fid": 30.0, "tvd": 0.9}, 1.0)])
    save_epochs(store, trial.number, attempt, range(1, 2))
    driver.lease.release()
    driver.close()
    return store


def files_of(folder: Path) -> dict[str, bytes]:
    """Returns the content of every file below a folder, by its path there."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def assert_front_is_readable(reader: StudyReader, store: TrialStore) -> None:
    """Every front member can be exported, with its own weights."""
    front = front_candidates(reader.record().config, reader.trials())
    assert front == FRONT
    for trial, epoch in front:
        config, weights = candidate_files(store, trial, epoch) or (b"", b"")
        assert json.loads(config) == {"trial": trial}
        assert weights == f"{trial}@{epoch}".encode() * 200


class FailingStore:
    """Makes a store's file system refuse from its n-th change on, or have its process die there.

    Args:
        store: Whose.
        allowed: How many changes still work.
        error: What the next ones raise.
    """

    def __init__(self, store: TrialStore, allowed: int, error: Callable[[], BaseException]):
        self._fs: fs.FileSystem = store._files._fs
        self._left = allowed
        self._error = error
        store._files._fs = self

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._fs, name)
        if name not in ("open_output_stream", "delete_file", "delete_dir"):
            return method

        def guarded(*arguments: Any, **keywords: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                raise self._error()
            return method(*arguments, **keywords)

        return guarded


def refused() -> BaseException:
    """What a store raises that cannot be reached any more."""
    return OSError("connection reset by peer")


def filled_workspace(folder: Path) -> Workspace:
    """Returns a new workspace with a search whose trials left files."""
    workspace = Workspace.at(folder)
    workspace.make()
    engine = open_database(workspace.study_url)
    create_search(engine, make_study(budget={"trials": 6}), {})
    engine.dispose()
    fill(workspace, "tiny")
    return workspace


class Place:
    """A workspace with a filled search, its reader and its store."""

    def __init__(self, workspace: Workspace, reader: StudyReader):
        self.workspace = workspace
        self.reader = reader
        self.root = workspace.store(reader.record().config)
        self.folder = Path(self.root) / reader.id

    @property
    def store(self) -> TrialStore:
        return TrialStore(self.root, self.reader.id)

    def plan(self, num_next: int = 0) -> Plan:
        return plan_pruning(self.reader, self.root, num_next)

    def names(self, trial: int, attempt: int) -> list[str]:
        folder = self.folder / "trials" / f"{trial:05d}" / f"{attempt:03d}"
        names = [path.name for path in folder.iterdir() if not path.name.startswith("manifest-")]
        return sorted(names)


@contextlib.contextmanager
def opened(workspace: Workspace) -> Iterator[Place]:
    """Yields the place of a filled search."""
    engine = open_database(workspace.study_url)
    yield Place(workspace, StudyReader(engine, "tiny"))
    engine.dispose()
