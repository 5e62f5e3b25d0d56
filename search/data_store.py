"""Folders that every node needs, such as a data set: published once, fetched once by each node.

    <store>/data/<key>/<beginning of the file's hash>-<name>
                      /manifest.json
                /<name>.txt

The key says what the folder is: the hash of a data set's images, or of an extractor's weights.
Files are named by their content and never change, and the manifest, with their sizes and hashes,
is written last: two processes that publish at once do no harm, and a half-written copy is never
used. A text file remembers a key under a name, such as that of the extractor of a data set. What
lies here belongs to no search and is not deleted with one.

A node keeps what it fetched in `~/.cache/vaesearch`, or in the folder that VAESEARCH_CACHE names:
it can be deleted whenever no search runs.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, final

from search.errors import StoreError
from search.files import Files

FOLDER: Final = "data"
CACHE: Final = "VAESEARCH_CACHE"
_DEFAULT_CACHE: Final = "~/.cache/vaesearch"
_MANIFEST: Final = "manifest.json"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """A published folder.

    Attributes:
        key: What it is; its name in the store.
        files: Name -> {"size": bytes, "sha256": hex}.
    """

    key: str
    files: Mapping[str, Mapping[str, Any]]


def published_item(store: str, key: str) -> Item | None:
    """Returns what a store holds whole under a key, None if it does not.

    Raises:
        StoreError: If the store refuses.
    """
    files = Files(store, FOLDER, key)
    content = files.read(_MANIFEST)
    if content is None:
        return None
    sizes = {file.name: file.num_bytes for file in files.files()}
    try:
        described = json.loads(content)["files"]
        for name, about in described.items():
            if "/" in name or sizes.get(_stored(name, about)) != about["size"]:
                return None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # torn by a crash while it was written: it never came to exist
    return Item(key, described)


def publish(store: str, key: str, folder: Path, names: Sequence[str]) -> Item:
    """Copies files of a folder into a store, unless it has them under this key already.

    Args:
        store: Its root.
        key: Equal keys mean the same; what was published first stays.
        folder: On this machine.
        names: Of the files in it.

    Raises:
        StoreError: If the store refuses, or a file cannot be read.
    """
    if (item := published_item(store, key)) is not None:
        return item
    files = Files(store, FOLDER, key)
    try:
        described = {name: _describe(folder / name) for name in sorted(names)}
        files.make_folder("")
        for name, about in described.items():
            files.upload(folder / name, _stored(name, about))
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"Cannot read what is to be published: {error}.") from error
    files.write(_MANIFEST, json.dumps({"files": described}).encode())
    return Item(key, described)


def remembered(store: str, name: str) -> str | None:
    """Returns the key that was remembered under a name, None if none was.

    Raises:
        StoreError: If the store refuses.
    """
    content = Files(store, FOLDER).read(f"{name}.txt")
    return content.decode(errors="replace").strip() or None if content else None


def remember(store: str, name: str, key: str) -> None:
    """Remembers a key under a name, unless one is remembered already.

    Raises:
        StoreError: If the store refuses.
    """
    if remembered(store, name) is None:
        files = Files(store, FOLDER)
        files.make_folder("")
        files.write(f"{name}.txt", key.encode())


def local_folder(store: str, item: Item, folder: Path) -> Path:
    """Returns a folder on this machine with an item's files: `folder` if it has them, else the
    node's copy, which is fetched if it is missing. Processes of one node wait for one another.

    Raises:
        StoreError: If the store refuses or its copy is damaged, or this machine cannot keep one.
    """
    cache = cache_folder()
    try:
        with _locked(cache, item.key):
            if _has_files(folder, item, cache):
                return folder
            target = cache / FOLDER / item.key
            if not _has_files(target, item, cache):
                _fetch(store, item, target)
                _note_checked(target, item, cache)
            return target
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            f"This machine cannot keep a copy of the data in {cache}: {error}. Set {CACHE} to a "
            "folder that can be written to."
        ) from error


def cache_folder() -> Path:
    """Returns where this machine keeps what it fetched."""
    return Path(os.environ.get(CACHE) or _DEFAULT_CACHE).expanduser().absolute()


@contextlib.contextmanager
def _locked(cache: Path, key: str) -> Iterator[None]:
    """Holds a lock that a process's death gives back."""
    folder = cache / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / key).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(store: str, item: Item, target: Path) -> None:
    """Copies a published folder to `target`, which appears whole; the caller holds the lock."""
    files = Files(store, FOLDER, item.key)
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{item.key}-*"):  # by a fetch that was killed
        shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)  # damaged; who has it open keeps it
    temporary = Path(tempfile.mkdtemp(prefix=f".{item.key}-", dir=target.parent))
    try:
        for name, about in item.files.items():
            with (temporary / name).open("wb") as file:
                found = files.download(_stored(name, about), file)
            if found != about["sha256"]:
                raise StoreError(
                    f"{files.at(_stored(name, about))} is "
                    f"{'missing' if found is None else 'damaged'}. Delete the folder "
                    f"{files.at('')} and say `vaesearch resume`: it is published again."
                )
        temporary.chmod(0o755)  # mkdtemp's 0700 would hide a shared cache from other users
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _has_files(folder: Path, item: Item, cache: Path) -> bool:
    """Returns whether a folder has an item's files. Their hashes are looked at once per node, and
    again when a file has changed since."""
    try:
        for name, about in item.files.items():
            if (folder / name).stat().st_size != about["size"]:
                return False
        if _checked_file(folder, item, cache).read_text() == _signature(folder, item):
            return True
    except FileNotFoundError:
        if not all((folder / name).is_file() for name in item.files):
            return False
    except OSError:  # a folder that this user may not look at
        return False
    try:
        is_same = all(_describe(folder / name) == about for name, about in item.files.items())
    except OSError:
        return False
    if is_same:
        _note_checked(folder, item, cache)
    return is_same


def _note_checked(folder: Path, item: Item, cache: Path) -> None:
    path = _checked_file(folder, item, cache)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_signature(folder, item))


def _checked_file(folder: Path, item: Item, cache: Path) -> Path:
    name = hashlib.sha256(f"{item.key}\0{folder.absolute()}".encode()).hexdigest()[:32]
    return cache / "checked" / name


def _signature(folder: Path, item: Item) -> str:
    """Returns what changes with the files of a folder, without reading them."""
    lines = []
    for name, about in sorted(item.files.items()):
        stat = (folder / name).stat()
        lines.append(f"{about['sha256']} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}")
    return "\n".join(lines)


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"size": file.tell(), "sha256": digest}


def _stored(name: str, about: Mapping[str, Any]) -> str:
    return f"{about['sha256'][:16]}-{name}"
