"""Files below one folder, on a disk or in S3: written whole, listed, read, deleted."""

import dataclasses
import os
from typing import final

from pyarrow import fs

from search.errors import StoreError


@final
@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """One file, as a listing shows it.

    Attributes:
        path: Below the folder that was opened, its parts divided by `/`.
        num_bytes: Its size.
    """

    path: str
    num_bytes: int

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@final
class Files:
    """The files below a folder.

    Args:
        root: A folder, or a URL that `pyarrow.fs` knows, such as `s3://bucket/path`.
        *below: Parts of the path below it.

    Raises:
        StoreError: If the root cannot be opened; of every method, if the store refuses.
    """

    def __init__(self, root: str, *below: str):
        try:
            if "://" in root:
                self._fs, base = fs.FileSystem.from_uri(root)
            else:
                self._fs, base = fs.LocalFileSystem(), os.path.abspath(root)
        except (OSError, ValueError) as error:
            raise StoreError(f"Cannot open the store {root}: {error}.") from error
        self._root = "/".join([base.rstrip("/"), *below])

    def at(self, path: str) -> str:
        """Returns the whole path of a file or folder."""
        return f"{self._root}/{path}" if path else self._root

    def folders(self, path: str = "") -> list[str]:
        """Returns the names of the folders in a folder, sorted; none if there is no such folder."""
        infos = self._infos(path, recursive=False)
        return sorted(info.base_name for info in infos if info.type == fs.FileType.Directory)

    def files(self, path: str = "") -> list[File]:
        """Returns the files in a folder, sorted; none if there is no such folder."""
        return self._found(path, recursive=False)

    def walk(self, path: str = "") -> list[File]:
        """Returns the files in a folder and in those below it, sorted."""
        return self._found(path, recursive=True)

    def read(self, path: str) -> bytes | None:
        """Returns a file's content, None if there is no such file."""
        try:
            with self._fs.open_input_stream(self.at(path)) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"Cannot read {self.at(path)} from the store: {error}.") from error

    def make_folder(self, path: str) -> None:
        """Makes a folder and those above it, unless they are there."""
        try:
            self._fs.create_dir(self.at(path), recursive=True)
        except OSError as error:
            raise StoreError(f"Cannot write to the store, {self.at(path)}: {error}.") from error

    def write(self, path: str, content: bytes) -> None:
        """Writes a file in a folder that is there, in place of an older one; on S3 in one step."""
        try:
            with self._fs.open_output_stream(self.at(path)) as stream:
                stream.write(content)
        except OSError as error:
            raise StoreError(f"Cannot write to the store, {self.at(path)}: {error}.") from error

    def delete(self, path: str) -> None:
        """Deletes a file; one that is gone already is none to complain about."""
        try:
            self._fs.delete_file(self.at(path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"Cannot delete {self.at(path)} in the store: {error}.") from error

    def delete_folder(self, path: str = "") -> None:
        """Deletes a folder with all that is in it, if it is there."""
        try:
            self._fs.delete_dir(self.at(path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"Cannot delete {self.at(path)} in the store: {error}.") from error

    def _found(self, path: str, recursive: bool) -> list[File]:
        start = len(self.at("")) + 1
        infos = self._infos(path, recursive)
        found = [File(i.path[start:], int(i.size or 0)) for i in infos if i.is_file]
        return sorted(found, key=lambda file: file.path)

    def _infos(self, path: str, recursive: bool) -> list[fs.FileInfo]:
        selector = fs.FileSelector(self.at(path), allow_not_found=True, recursive=recursive)
        try:
            return list(self._fs.get_file_info(selector))
        except OSError as error:
            raise StoreError(f"Cannot list {self.at(path)} in the store: {error}.") from error


def shown_size(num_bytes: float) -> str:
    """Returns a size as a person reads it; GB of 2**30 bytes, MB of 2**20, KB of 2**10."""
    for unit, size in (("GB", 2**30), ("MB", 2**20)):
        if num_bytes >= size:
            return f"{num_bytes / size:,.1f} {unit}"
    return f"{num_bytes / 2**10:,.1f} KB"
