"""Files below one folder, on a disk or in S3: written whole, listed, read, deleted."""

import contextlib
import dataclasses
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, final

from pyarrow import fs

from search.errors import StoreError
from search.s3 import explained, is_s3, open_s3

_CHUNK_BYTES: Final = 8 * 2**20


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
        root: A folder, or a URL: `s3://bucket/path` (see `search.s3`) or another that `pyarrow.fs`
            knows.
        *below: Parts of the path below it.

    Raises:
        StoreError: If the root cannot be opened; of every method, if the store refuses.
    """

    def __init__(self, root: str, *below: str):
        self._scheme, self._has_bucket = "", False
        try:
            if is_s3(root):
                self._scheme = "s3://"
                self._fs, base = open_s3(root)
            elif "://" in root:
                self._fs, base = fs.FileSystem.from_uri(root)
            else:
                self._fs, base = fs.LocalFileSystem(), os.path.abspath(root)
        except StoreError:
            raise
        except (OSError, ValueError) as error:
            raise StoreError(f"Cannot open the store {root}: {explained(error)}.") from error
        self._root = "/".join([base.rstrip("/"), *below])

    def at(self, path: str) -> str:
        """Returns the whole path of a file or folder, as people write it."""
        return self._scheme + self._path(path)

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
            with self._fs.open_input_stream(self._path(path)) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            self._check_bucket(path)
            return None
        except OSError as error:
            raise self._refusal("read", path, error) from error

    def make_folder(self, path: str) -> None:
        """Makes a folder and those above it, unless they are there; S3 needs none."""
        if self._scheme:
            return
        try:
            self._fs.create_dir(self._path(path), recursive=True)
        except OSError as error:
            raise self._refusal("write", path, error) from error

    def write(self, path: str, content: bytes) -> None:
        """Writes a file in a folder that is there, in place of an older one; on S3 in one step."""
        try:
            with self._fs.open_output_stream(self._path(path)) as stream:
                stream.write(content)
        except OSError as error:
            raise self._refusal("write", path, error) from error

    def upload(self, source: Path, path: str) -> None:
        """Writes a file of any size from this machine; it appears whole, on a disk as well.

        Raises:
            OSError: If the source cannot be opened.
        """
        with source.open("rb") as file, self._appearing(path) as stream:
            while chunk := file.read(_CHUNK_BYTES):
                stream.write(chunk)

    def download(self, path: str, target: BinaryIO) -> str | None:
        """Copies a file of any size to this machine; returns its SHA-256 (hex), None if there is
        no such file.

        Raises:
            OSError: If the target cannot be written.
        """
        digest = hashlib.sha256()
        try:
            stream = self._fs.open_input_stream(self._path(path))
        except FileNotFoundError:
            self._check_bucket(path)
            return None
        except OSError as error:
            raise self._refusal("read", path, error) from error
        with stream:
            while chunk := self._next_chunk(stream, path):
                digest.update(chunk)
                target.write(chunk)
        return digest.hexdigest()

    def delete(self, path: str) -> None:
        """Deletes a file; one that is gone already is none to complain about."""
        try:
            self._fs.delete_file(self._path(path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._refusal("delete", path, error) from error

    def delete_folder(self, path: str = "") -> None:
        """Deletes a folder with all that is in it, if it is there."""
        try:
            self._fs.delete_dir(self._path(path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._refusal("delete", path, error) from error

    @contextlib.contextmanager
    def _appearing(self, path: str) -> Iterator[Any]:
        """Yields a stream to a file that is there when the block ends, and not before."""
        hidden = path if self._scheme else f"{path}.{secrets.token_hex(4)}.part"
        try:
            stream = self._fs.open_output_stream(self._path(hidden))
        except OSError as error:
            raise self._refusal("write", path, error) from error
        try:
            yield stream
            stream.close()
            if hidden != path:
                self._fs.move(self._path(hidden), self._path(path))
        except OSError as error:
            if hidden != path:
                with contextlib.suppress(OSError):
                    self._fs.delete_file(self._path(hidden))
            raise self._refusal("write", path, error) from error

    def _next_chunk(self, stream: Any, path: str) -> bytes:
        try:
            return bytes(stream.read(_CHUNK_BYTES))
        except OSError as error:
            raise self._refusal("read", path, error) from error

    def _path(self, path: str) -> str:
        """Returns the whole path of a file or folder, as pyarrow wants it."""
        return f"{self._root}/{path}" if path else self._root

    def _refusal(self, verb: str, path: str, error: Exception) -> StoreError:
        where = {
            "read": f"read {self.at(path)} from the store",
            "write": f"write to the store, {self.at(path)}",
            "delete": f"delete {self.at(path)} in the store",
            "list": f"list {self.at(path)} in the store",
        }[verb]
        return StoreError(f"Cannot {where}: {explained(error)}.")

    def _found(self, path: str, recursive: bool) -> list[File]:
        start = len(self._root) + 1
        infos = self._infos(path, recursive)
        found = [File(i.path[start:], int(i.size or 0)) for i in infos if i.is_file]
        return sorted(found, key=lambda file: file.path)

    def _infos(self, path: str, recursive: bool) -> list[fs.FileInfo]:
        selector = fs.FileSelector(self._path(path), allow_not_found=True, recursive=recursive)
        try:
            infos = list(self._fs.get_file_info(selector))
        except OSError as error:
            raise self._refusal("list", path, error) from error
        if not infos:
            self._check_bucket(path)
        return infos

    def _check_bucket(self, path: str) -> None:
        """Refuses a bucket that does not exist, which to pyarrow is as good as an empty one."""
        if not self._scheme or self._has_bucket:
            return
        try:
            info = self._fs.get_file_info(self._root.partition("/")[0])
        except OSError as error:
            raise self._refusal("read", path, error) from error
        if info.type == fs.FileType.NotFound:
            raise self._refusal("read", path, OSError("NO_SUCH_BUCKET"))
        self._has_bucket = True


def shown_size(num_bytes: float) -> str:
    """Returns a size as a person reads it; GB of 2**30 bytes, MB of 2**20, KB of 2**10."""
    for unit, size in (("GB", 2**30), ("MB", 2**20)):
        if num_bytes >= size:
            return f"{num_bytes / size:,.1f} {unit}"
    return f"{num_bytes / 2**10:,.1f} KB"
