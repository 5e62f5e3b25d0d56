"""Loading TensorFlow without its start-up messages, in a process that only needs it briefly."""

import contextlib
import os
import sys
from collections.abc import Iterator


def load_tensorflow() -> None:
    """Loads TensorFlow with one thread and no GPU; what it says of its start goes nowhere.

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
