"""Loading TensorFlow with Keras: sooner, and without its messages where somebody would see them."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Final

from search.importing import without_collecting

# Keras imports them if they are there, for wrappers, plots and tables that nothing here uses: half
# of the time that its import takes.
_UNUSED: Final = ("matplotlib", "pandas", "sklearn")


def load_keras() -> None:
    """Loads TensorFlow and Keras, which is told that libraries it can do without are not there.

    They can be imported as ever afterwards; only what Keras makes of them, its wrappers for
    scikit-learn, its plots and its training on tables, is missing in this process.
    """
    hidden = [name for name in _UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None refuses an import
    try:
        with without_collecting():
            import keras  # noqa: F401
            import tensorflow  # noqa: F401
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def load_tensorflow() -> None:
    """As `load_keras`, with one thread and no GPU; what TensorFlow says at its start goes nowhere.

    It writes to the file descriptor before its own log level counts, so only closing that helps.
    """
    for variable, value in (
        ("TF_CPP_MIN_LOG_LEVEL", "3"),
        ("TF_NUM_INTRAOP_THREADS", "1"),
        ("TF_NUM_INTEROP_THREADS", "1"),
        ("CUDA_VISIBLE_DEVICES", "-1"),
    ):
        os.environ[variable] = value
    with _silenced_stderr():
        load_keras()
        import tensorflow as tf

        tf.config.list_physical_devices()


@contextlib.contextmanager
def _silenced_stderr() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
