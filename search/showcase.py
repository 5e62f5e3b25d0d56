"""What workers make of the front's models for people: pictures of their latent space, and Keras
models that any process can load.

    <store>/<search id>/front/<trial>/<epoch>/<file>
                                             /index.json

The index names the files and is written last: what has none does not exist.
"""

import json
from collections.abc import Mapping
from typing import Final, final

from search.errors import StoreError
from search.files import File, Files

FOLDER: Final = "front"
_INDEX: Final = "index.json"


@final
class Showcase:
    """That of one search.

    Args:
        root: Of the store.
        search_id: The search.

    Raises:
        StoreError: If the root cannot be opened; of every method, if the store refuses.
    """

    def __init__(self, root: str, search_id: str):
        self._files = Files(root, search_id, FOLDER)

    def add(self, trial: int, epoch: int, files: Mapping[str, bytes]) -> None:
        """Writes the files of a candidate, in place of older ones; names may have folders."""
        folder = _folder(trial, epoch)
        for name, content in {**files, _INDEX: json.dumps(sorted(files)).encode()}.items():
            path = f"{folder}/{name}"
            self._files.make_folder(path.rpartition("/")[0])
            self._files.write(path, content)

    def names(self, trial: int, epoch: int) -> list[str]:
        """Returns the names of a candidate's files; none if nothing was made of it."""
        index = self._files.read(f"{_folder(trial, epoch)}/{_INDEX}")
        try:
            return [str(name) for name in json.loads(index)] if index else []
        except ValueError:  # torn by a crash while it was written
            return []

    def read(self, trial: int, epoch: int) -> dict[str, bytes]:
        """Returns name -> content of a candidate's files; empty if nothing was made of it."""
        found = {}
        for name in self.names(trial, epoch):
            path = f"{_folder(trial, epoch)}/{name}"
            content = self._files.read(path)
            if content is None:
                raise StoreError(f"{self._files.at(path)} is missing, though an index names it.")
            found[name] = content
        return found

    def files(self) -> dict[tuple[int, int], list[File]]:
        """Returns (trial, epoch) -> all that lies there, in the order in which to delete it."""
        found: dict[tuple[int, int], list[File]] = {}
        for file in self._files.walk():
            parts = file.path.split("/")
            if len(parts) > 2 and parts[0].isdigit() and parts[1].isdigit():
                found.setdefault((int(parts[0]), int(parts[1])), []).append(file)
        for files in found.values():
            files.sort(key=lambda file: file.name != _INDEX)
        return found

    def delete(self, file: File) -> None:
        """Deletes what `files` returned."""
        self._files.delete(file.path)


def _folder(trial: int, epoch: int) -> str:
    return f"{trial:05d}/{epoch:06d}"
