"""The store: weights and training states of trials, on a disk or in S3.

    <store>/<search id>/trials/<number>/<attempt>/<object>
                                                 /manifest-<epoch>-<step>.json
                                                 /manifest-pruned-<count>-<word>.json
                                                 /log.txt

Objects are immutable. A manifest names the objects of one checkpoint with their sizes and hashes
and is written last, so a checkpoint is either complete or does not exist; no rename is needed,
which S3 has not. An attempt only writes and deletes in its own folder: one that was overtaken and
does not know it yet does no harm. `search.pruning` leaves a manifest of fewer objects, whose name
sorts after all others: what is left of a trial, whatever a worker that was cut off still writes.
The log is no part of a checkpoint, and is written over and over.
"""

import dataclasses
import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, final

from search.errors import StoreError
from search.files import File, Files

LOG: Final = "log.txt"
_KEPT_MANIFESTS: Final = 2  # the newest, and the one before in case the newest proves damaged
_MANIFEST: Final = "manifest-"
_PRUNED: Final = "manifest-pruned-"  # a letter sorts after every digit


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Checkpoint:
    """One complete state of a trial.

    Attributes:
        trial: The trial's number.
        attempt: The attempt that wrote it.
        epoch: Finished epochs.
        step: Steps done of the next epoch.
        objects: File name -> {"size": bytes, "sha256": hex}.
        notes: JSON values the writer put beside the objects.
    """

    trial: int
    attempt: int
    epoch: int
    step: int
    objects: Mapping[str, Mapping[str, Any]]
    notes: Mapping[str, Any]


@final
class TrialStore:
    """The trials of one search, or of one repeat of its confirmation.

    Args:
        root: A folder, or a URL that `pyarrow.fs` knows, such as `s3://bucket/path`.
        folder: Below it: a search's id, or what `confirmation_folder` says.

    Raises:
        StoreError: If the root cannot be opened.
    """

    def __init__(self, root: str, folder: str):
        self._files = Files(root, folder, "trials")

    def save(
        self,
        trial: int,
        attempt: int,
        position: tuple[int, int],
        objects: Mapping[str, bytes],
        notes: Mapping[str, Any],
        carry: Checkpoint | None = None,
    ) -> Checkpoint:
        """Writes a checkpoint: first new objects, then the manifest.

        Args:
            trial: The trial's number.
            attempt: The attempt that writes.
            position: Finished epochs, and steps done of the next one.
            objects: New files of the checkpoint by name. A name is written once and never changed.
            notes: JSON values to keep beside them.
            carry: This attempt's previous checkpoint with the objects to keep, already pruned.

        Raises:
            StoreError: If the store refuses, for example because the disk is full.
        """
        described = dict(carry.objects) if carry else {}
        described |= {name: _describe(content) for name, content in objects.items()}
        epoch, step = position
        checkpoint = Checkpoint(trial, attempt, epoch, step, described, notes)
        folder = _folder(trial, attempt)
        self._files.make_folder(folder)
        for name, content in objects.items():
            self._files.write(f"{folder}/{name}", content)
        self._files.write(f"{folder}/{_manifest_name(epoch, step)}", _encoded(checkpoint))
        return checkpoint

    def newest(self, trial: int) -> Checkpoint | None:
        """Returns the newest complete checkpoint of a trial, None if there is none.

        Attempts begin where the one before had come to, so the highest attempt is the newest; what
        an overtaken one still wrote is passed over. Damaged checkpoints are passed over as well,
        but for pruned ones: there is nothing older to go back to, and `read` checks each object.

        Raises:
            StoreError: If the store refuses; that is not the same as having nothing.
        """
        found = self.newest_manifest(trial)
        return found and found[1]

    def newest_manifest(self, trial: int) -> tuple[str, Checkpoint] | None:
        """Returns the newest complete checkpoint of a trial with the name of its manifest."""
        # Twice: an overtaken attempt or a pruning may have tidied up between our look at the
        # manifests and at their objects. What was written instead is there at the second look.
        return self._newest_whole(trial) or self._newest_whole(trial)

    def read(self, checkpoint: Checkpoint, name: str) -> bytes:
        """Returns one object of a checkpoint.

        Raises:
            StoreError: If it is missing or not what the manifest says.
        """
        path = f"{_folder(checkpoint.trial, checkpoint.attempt)}/{name}"
        content = self._files.read(path)
        if content is None:
            raise StoreError(f"{self._files.at(path)} is missing, though a manifest names it.")
        if _describe(content) != checkpoint.objects.get(name):
            where = self._files.at(path)
            raise StoreError(f"{where} is damaged: its hash is not the one in the manifest.")
        return content

    def tidy(self, checkpoint: Checkpoint) -> None:
        """Deletes what `checkpoint`'s attempt no longer needs: old manifests and their objects.

        Raises:
            StoreError: If the store refuses.
        """
        kept = list(self._checkpoints(checkpoint.trial, checkpoint.attempt))[:_KEPT_MANIFESTS]
        needed = {LOG, *(name for name, _ in kept)}
        needed |= {name for _, item in kept for name in item.objects}
        for file in self._files.files(_folder(checkpoint.trial, checkpoint.attempt)):
            if file.name not in needed:
                self._files.delete(file.path)

    def replace(self, checkpoint: Checkpoint, kept: Iterable[str], notes: Mapping[str, Any]) -> str:
        """Writes the manifest of a checkpoint of fewer objects, which counts as newer than all.

        Args:
            checkpoint: Of a trial that has ended.
            kept: Names of the objects that stay. Nothing is deleted here.
            notes: In place of the checkpoint's.

        Returns:
            The manifest's name. Two processes that prune at once never write the same one.
        """
        folder = _folder(checkpoint.trial, checkpoint.attempt)
        counts = [
            int(file.name.removeprefix(_PRUNED)[:6])
            for file in self._files.files(folder)
            if file.name.startswith(_PRUNED)
        ]
        name = f"{_PRUNED}{max(counts, default=0) + 1:06d}-{secrets.token_hex(4)}.json"
        smaller = dataclasses.replace(pruned(checkpoint, kept), notes=notes)
        self._files.write(f"{folder}/{name}", _encoded(smaller))
        return name

    def attempts(self, trial: int) -> list[int]:
        """Returns the numbers of the attempts that left something, in order."""
        return sorted(int(n) for n in self._files.folders(f"{trial:05d}") if n.isdigit())

    def files(self, trial: int, attempt: int) -> list[File]:
        """Returns the files of an attempt."""
        return self._files.files(_folder(trial, attempt))

    def at(self, file: File) -> str:
        """Returns the whole path of a file that `files` returned."""
        return self._files.at(file.path)

    def delete(self, file: File) -> None:
        """Deletes a file that `files` returned, unless it is gone already."""
        self._files.delete(file.path)

    def write_log(self, trial: int, attempt: int, text: str) -> None:
        """Writes an attempt's log, in place of the one before.

        Raises:
            StoreError: If the store refuses.
        """
        folder = _folder(trial, attempt)
        self._files.make_folder(folder)
        self._files.write(f"{folder}/{LOG}", text.encode(errors="replace"))

    def read_log(self, trial: int, attempt: int) -> str | None:
        """Returns an attempt's log, None if it left none."""
        content = self._files.read(f"{_folder(trial, attempt)}/{LOG}")
        return None if content is None else content.decode(errors="replace")

    def _newest_whole(self, trial: int) -> tuple[str, Checkpoint] | None:
        for attempt in reversed(self.attempts(trial)):
            for name, found in self._checkpoints(trial, attempt):
                is_pruned = name.startswith(_PRUNED)
                if is_pruned or all(self._is_whole(found, item) for item in found.objects):
                    return name, found
        return None

    def _checkpoints(self, trial: int, attempt: int) -> Iterator[tuple[str, Checkpoint]]:
        """Yields the readable manifests of an attempt with their names, newest first."""
        for file in reversed(self.files(trial, attempt)):
            if not is_manifest(file.name):
                continue
            content = self._files.read(file.path)
            try:
                yield file.name, Checkpoint(**json.loads(content or b""))
            except (ValueError, TypeError):
                continue  # torn by a crash while it was written: it never came to exist

    def _is_whole(self, checkpoint: Checkpoint, name: str) -> bool:
        path = f"{_folder(checkpoint.trial, checkpoint.attempt)}/{name}"
        content = self._files.read(path)
        return content is not None and _describe(content) == checkpoint.objects[name]


def confirmation_folder(search_id: str, repeat: int, epochs: Sequence[int] | None) -> str:
    """Returns where one repeat of a confirmation keeps its trainings.

    A repeat that is to be measured after other epochs begins anew in a folder of its own: an old
    checkpoint may be past some of them.
    """
    name = hashlib.sha256(json.dumps(epochs).encode()).hexdigest()[:12]
    return f"{search_id}/confirmations/{repeat}/{name}"


def is_manifest(name: str) -> bool:
    """Returns whether a file of an attempt is a manifest."""
    return name.startswith(_MANIFEST)


def pruned(checkpoint: Checkpoint, kept: Iterable[str]) -> Checkpoint:
    """Returns `checkpoint` with only the objects named in `kept`, to carry over into the next."""
    names = set(kept)
    objects = {name: about for name, about in checkpoint.objects.items() if name in names}
    return dataclasses.replace(checkpoint, objects=objects)


def _folder(trial: int, attempt: int) -> str:
    return f"{trial:05d}/{attempt:03d}"


def _encoded(checkpoint: Checkpoint) -> bytes:
    return json.dumps(dataclasses.asdict(checkpoint)).encode()


def _manifest_name(epoch: int, step: int) -> str:
    return f"manifest-{epoch:06d}-{step:09d}.json"


def _describe(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
