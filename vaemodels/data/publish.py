"""Folders that appear whole or not at all, also when two processes make the same one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def published_folder(target: Path) -> Iterator[Path]:
    """Yields a temporary folder beside `target` that becomes `target` when the block ends.

    If `target` exists by then, it stays and the temporary folder is dropped: names are chosen so
    that equal names mean equal content. An exception in the block leaves nothing behind.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name[:16]}-", dir=target.parent))
    try:
        yield temporary
        temporary.chmod(0o755)  # mkdtemp's 0700 would hide a shared cache from other users
        try:
            temporary.rename(target)
        except OSError:  # a folder that is not empty cannot be replaced: somebody was faster
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def published_file(target: Path) -> Iterator[Path]:
    """Yields a temporary path beside `target` that replaces `target` when the block ends."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:16]}-", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
