"""Tests of code of the user's leave no such code behind in the process, which other tests share."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vaemodels.own import OWN_MODULES, modules_in

LAB = Path(__file__).parent / "lab"


@contextlib.contextmanager
def nothing_allowed() -> Iterator[None]:
    """This process may import no code of anybody's, and forgets what it imports of tests/lab."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(OWN_MODULES, "")
        patch.setattr(sys, "path", list(sys.path))
        before = set(sys.modules)
        try:
            yield
        finally:
            ours = modules_in(LAB)
            for name in set(sys.modules) - before:
                if name.partition(".")[0] in ours:
                    del sys.modules[name]
