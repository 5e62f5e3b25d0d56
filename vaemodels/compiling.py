"""How functions are compiled, how many rows they take at once, and what compiling takes."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

# Images per call of the functions without gradients: a fixed size, so that each is traced once
# and a result does not depend on how many images it was computed with.
FORWARD_BATCH = 500

_spent = {"seconds": 0.0, "depth": 0}


def seconds_compiling() -> float:
    """Returns how long this process has traced and compiled functions so far, in seconds."""
    return _spent["seconds"]


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """Counts the time that passes inside as compiling."""
    _spent["depth"] += 1
    start = time.perf_counter()
    try:
        yield
    finally:
        _spent["depth"] -= 1
        if not _spent["depth"]:  # what is compiled on the way is counted with it
            _spent["seconds"] += time.perf_counter() - start


def pixels(images: Any, scale: float) -> Any:
    """Returns images as float32 in [0, 1]."""
    images = tf.cast(images, tf.float32)
    return images if scale == 1 else images / scale


def compiled(
    run: Callable[..., Any], signature: list[Any], jit: bool = False
) -> Callable[..., Any]:
    """Returns `run` traced for one signature, or as it is where TensorFlow was told to be eager."""
    if tf.config.functions_run_eagerly():
        return run
    # The concrete function, because a `tf.function` warns of retracing when a process trains one
    # model after another, and spends 20 microseconds per argument on finding its only trace.
    function = tf.function(run, input_signature=signature, autograph=False, jit_compile=jit or None)
    with compiling():
        concrete: Callable[..., Any] = function.get_concrete_function()
    return concrete


def fixed_batches(rows: NDArray[Any], size: int) -> Iterator[NDArray[Any]]:
    """Yields batches of exactly `size` rows, at least one, with zeros behind the last row."""
    for start in range(0, max(1, len(rows)), size):
        yield padded(rows[start : start + size], size)


def padded(array: NDArray[Any], length: int) -> NDArray[Any]:
    """Returns an array with zeros behind its last row, so that it has `length` rows."""
    missing = length - len(array)
    if not missing:
        return array
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])
