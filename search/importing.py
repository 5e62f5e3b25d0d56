"""Importing large libraries."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """Looks for no garbage inside: an import makes a million objects, of which nearly none are
    garbage, and the search for it is a quarter to a third of its time.

    Several threads may be inside at once.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
