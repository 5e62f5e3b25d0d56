"""The folder of a report: which one may be written to, and putting a new one there as a whole."""

import contextlib
import json
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from search.errors import SearchError

MARKER: Final = "report.json"  # says that a folder is a report, and which files are part of it
FORMAT: Final = "vaesearch-report-1"


def check_report_folder(out: Path) -> None:
    """Checks that a report may be put into a folder.

    Raises:
        SearchError: Unless it is new, empty, or holds nothing but an earlier report.
    """
    try:
        if not out.exists() and not out.is_symlink():
            return
        names = {path.name for path in out.iterdir()} if out.is_dir() else None
    except OSError as error:
        raise SearchError(f"Cannot look into {out}: {error.strerror or error}.") from error
    if names is None:
        raise SearchError(f"{out} is there already and no folder. Name another one with --out.")
    if foreign := sorted(names - _earlier(out)):
        raise SearchError(
            f"{out} holds what is no part of a report, such as {foreign[0]!r}. Name a new or empty "
            "folder with --out, or one with an earlier report, which is replaced."
        )


@contextlib.contextmanager
def new_report(out: Path, material: dict[str, Any]) -> Iterator[Path]:
    """Yields a folder to write a report into, and puts it in its place once all is written.

    Args:
        out: The place. An earlier report there is replaced as a whole, and stays if anything fails.
        material: What to say in `report.json`, beside the names of the files.

    Raises:
        SearchError: If something else is there, or it cannot be written.
    """
    out = out.resolve()
    check_report_folder(out)
    draft = out.parent / f".{out.name}-{secrets.token_hex(4)}"
    try:
        draft.mkdir(parents=True)
        yield draft
        names = sorted([*(path.name for path in draft.iterdir()), MARKER])
        values = {"format": FORMAT, "files": names, **material}
        (draft / MARKER).write_text(json.dumps(finite(values), indent=2, default=str) + "\n")
        _put(draft, out)
    except OSError as error:
        raise SearchError(f"Cannot write the report {out}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def finite(value: Any) -> Any:
    """Returns a plain value with NaN and infinities, which JSON has not, as text."""
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def _earlier(out: Path) -> set[str]:
    """Returns the names of the files of the report in a folder; none if it holds no report."""
    try:
        found = json.loads((out / MARKER).read_text())
        return set(found["files"]) if found["format"] == FORMAT else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _put(draft: Path, out: Path) -> None:
    """Moves a folder to its place; what was there goes once the new one stands."""
    old = draft.with_name(f"{draft.name}-old")
    if out.exists():
        check_report_folder(out)  # again: something may have come while we drew
        out.rename(old)
    try:
        draft.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
