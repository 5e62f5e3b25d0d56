"""MLflow's default store, an SQLite file: refused at once if unusable, noticed when deleted."""

import os
import sqlite3
import threading
from pathlib import Path
from typing import Final, final

import sqlalchemy as sa

from search.errors import TrackerError

_PROBE_SECONDS: Final = 5.0

_lock = threading.Lock()
_spellings: dict[str, tuple[int | None, int]] = {}  # path -> (inode, how it is spelled)


@final
class LocalFile:
    """The SQLite file behind an MLflow URI.

    MLflow keeps one connection pool per URI for as long as the process lives, and one on a file
    that was deleted goes on writing into nothing. So its file is watched, and a new one is given to
    MLflow under another spelling of the same path, for which it opens another pool.
    """

    def __init__(self, uri: str):
        self._path = os.path.abspath(str(sa.engine.make_url(uri).database))

    @classmethod
    def of(cls, uri: str) -> "LocalFile | None":
        """Returns the file of an MLflow URI, None if it names something else."""
        return cls(uri) if uri.startswith("sqlite:") else None

    def open(self) -> str:
        """Returns the URI to give to MLflow.

        Raises:
            TrackerError: If the file cannot be used. MLflow would find out in 50 seconds.
        """
        with _lock:
            inode, spelling = _spellings.get(self._path, (None, -1))
            if inode is None or inode != _inode(self._path):
                spelling += 1
            self._probe()
            _spellings[self._path] = (_inode(self._path), spelling)
        folder, name = os.path.split(self._path)
        return f"sqlite:///{folder}/{'./' * spelling}{name}"

    def check(self) -> None:
        """Checks that the file is still the one that was opened.

        Raises:
            TrackerError: If it was deleted or replaced.
        """
        with _lock:
            inode = _spellings[self._path][0]
        if _inode(self._path) != inode:
            raise TrackerError(f"{self._path} was deleted or replaced; it is written anew.")

    def _probe(self) -> None:
        try:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=_PROBE_SECONDS)
            try:
                connection.execute("SELECT count(*) FROM sqlite_master")
            finally:
                connection.close()
        except (OSError, sqlite3.Error) as error:
            raise TrackerError(f"Cannot open MLflow's file {self._path}: {error}.") from error


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None
