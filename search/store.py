"""The store: weights and training states of trials, on a disk or in S3.

    <store>/<search id>/trials/<number>/<attempt>/<object>
                                                 /manifest-<epoch>-<step>.json

Objects are immutable. A manifest names the objects of one checkpoint with their sizes and hashes
and is written last, so a checkpoint is either complete or does not exist; no rename is needed,
which S3 has not. An attempt only writes and deletes in its own folder: one that was overtaken and
does not know it yet does no harm.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, final

from pyarrow import fs

from search.errors import StoreError

_KEPT_MANIFESTS: Final = 2  # the newest, and the one before in case the newest proves damaged


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
    """The part of a store that belongs to one search.

    Args:
        root: A folder, or a URL that `pyarrow.fs` knows, such as `s3://bucket/path`.
        search_id: The search.

    Raises:
        StoreError: If the root cannot be opened.
    """

    def __init__(self, root: str, search_id: str):
        try:
            if "://" in root:
                self._fs, base = fs.FileSystem.from_uri(root)
            else:
                self._fs, base = fs.LocalFileSystem(), root
        except (OSError, ValueError) as error:
            raise StoreError(f"Cannot open the store {root}: {error}.") from error
        self._root = f"{base.rstrip('/')}/{search_id}/trials"

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
        folder = self._folder(trial, attempt)
        try:
            self._fs.create_dir(folder, recursive=True)
            for name, content in objects.items():
                self._write(f"{folder}/{name}", content)
            manifest = json.dumps(dataclasses.asdict(checkpoint)).encode()
            self._write(f"{folder}/{_manifest_name(epoch, step)}", manifest)
        except OSError as error:
            raise StoreError(f"Cannot write to the store, {folder}: {error}.") from error
        return checkpoint

    def newest(self, trial: int) -> Checkpoint | None:
        """Returns the newest complete checkpoint of a trial, None if there is none.

        Attempts begin where the one before had come to, so the highest attempt is the newest; what
        an overtaken one still wrote is passed over. Damaged checkpoints are passed over as well.

        Raises:
            StoreError: If the store refuses; that is not the same as having nothing.
        """
        # Twice: an overtaken attempt may have tidied up between our look at its manifests and at
        # their objects. What it wrote instead is there at the second look.
        return self._newest_whole(trial) or self._newest_whole(trial)

    def read(self, checkpoint: Checkpoint, name: str) -> bytes:
        """Returns one object of a checkpoint.

        Raises:
            StoreError: If it is missing or not what the manifest says.
        """
        path = f"{self._folder(checkpoint.trial, checkpoint.attempt)}/{name}"
        content = self._read(path)
        if content is None:
            raise StoreError(f"{path} is missing, though a manifest names it.")
        if _describe(content) != checkpoint.objects.get(name):
            raise StoreError(f"{path} is damaged: its hash is not the one in the manifest.")
        return content

    def tidy(self, checkpoint: Checkpoint) -> None:
        """Deletes what `checkpoint`'s attempt no longer needs: old manifests and their objects.

        Raises:
            StoreError: If the store refuses.
        """
        kept = list(self._checkpoints(checkpoint.trial, checkpoint.attempt))[:_KEPT_MANIFESTS]
        needed = {_manifest_name(item.epoch, item.step) for item in kept}
        needed |= {name for item in kept for name in item.objects}
        folder = self._folder(checkpoint.trial, checkpoint.attempt)
        for info in self._list(folder):
            if info.base_name not in needed:
                try:
                    self._fs.delete_file(info.path)
                except OSError as error:
                    raise StoreError(f"Cannot tidy the store, {info.path}: {error}.") from error

    def _newest_whole(self, trial: int) -> Checkpoint | None:
        for attempt in sorted(self._attempts(trial), reverse=True):
            for checkpoint in self._checkpoints(trial, attempt):
                if all(self._is_whole(checkpoint, name) for name in checkpoint.objects):
                    return checkpoint
        return None

    def _checkpoints(self, trial: int, attempt: int) -> Iterable[Checkpoint]:
        """Yields the readable manifests of an attempt, newest first."""
        names = [info.base_name for info in self._list(self._folder(trial, attempt))]
        for name in sorted((n for n in names if n.startswith("manifest-")), reverse=True):
            content = self._read(f"{self._folder(trial, attempt)}/{name}")
            try:
                yield Checkpoint(**json.loads(content or b""))
            except (ValueError, TypeError):
                continue  # torn by a crash while it was written: it never came to exist

    def _attempts(self, trial: int) -> list[int]:
        infos = self._list(f"{self._root}/{trial:05d}")
        return [int(info.base_name) for info in infos if info.base_name.isdigit()]

    def _is_whole(self, checkpoint: Checkpoint, name: str) -> bool:
        content = self._read(f"{self._folder(checkpoint.trial, checkpoint.attempt)}/{name}")
        return content is not None and _describe(content) == checkpoint.objects[name]

    def _folder(self, trial: int, attempt: int) -> str:
        return f"{self._root}/{trial:05d}/{attempt:03d}"

    def _list(self, folder: str) -> list[fs.FileInfo]:
        selector = fs.FileSelector(folder, allow_not_found=True)
        try:
            return list(self._fs.get_file_info(selector))
        except OSError as error:
            raise StoreError(f"Cannot list {folder} in the store: {error}.") from error

    def _write(self, path: str, content: bytes) -> None:
        with self._fs.open_output_stream(path) as stream:
            stream.write(content)

    def _read(self, path: str) -> bytes | None:
        """Returns a file's content, None if there is no such file."""
        try:
            with self._fs.open_input_stream(path) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"Cannot read {path} from the store: {error}.") from error


def pruned(checkpoint: Checkpoint, kept: Iterable[str]) -> Checkpoint:
    """Returns `checkpoint` with only the objects named in `kept`, to carry over into the next."""
    names = set(kept)
    objects = {name: about for name, about in checkpoint.objects.items() if name in names}
    return dataclasses.replace(checkpoint, objects=objects)


def _manifest_name(epoch: int, step: int) -> str:
    return f"manifest-{epoch:06d}-{step:09d}.json"


def _describe(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
