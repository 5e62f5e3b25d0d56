"""Parts of models from functions of the user's: called, checked, with weights that a seed fixes."""

import contextlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from vaemodels.own import own


def made(name: str, base: type, options: Mapping[str, Any], seed: int, *given: Any) -> Any:
    """Returns what a function of the user's makes.

    Args:
        name: Of the function, `module:function`.
        base: What the part has to be.
        options: For the function.
        seed: Integer that fixes the initial weights, of stock initializers too.
        *given: Further arguments, before the options.

    Raises:
        ValueError: If it fails, or makes something else.
    """
    function = own(name)
    with seeded(seed):
        try:
            part = function(*given, **options)
        except Exception as error:  # whatever the user's function raises
            raise ValueError(f"`{name}` failed: {type(error).__name__}: {error}") from error
    if not isinstance(part, base):
        raise ValueError(
            f"Invalid part of the model. Expected of `{name}` a {base.__name__} of "
            f"{base.__module__.partition('.')[0]}. Received: {type(part).__name__}."
        )
    return part


def check_shape(name: str, shape: tuple[Any, ...], expected: str, fits: bool) -> None:
    """Refuses a part of the user's whose output has another shape than it should."""
    if not fits:
        raise ValueError(
            f"Invalid part of the model. Expected of `{name}` outputs of shape {expected}. "
            f"Received: {tuple(shape)}."
        )


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Has Keras's initializers without a seed of their own, Python and NumPy draw from one seed."""
    states = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def built(layer: keras.layers.Layer, shape: tuple[int, ...], seed: int) -> tuple[Any, ...]:
    """Builds a layer for inputs of a shape, without batch; returns the shape of its outputs."""
    with seeded(seed):
        outputs = layer(keras.Input(shape), training=False)
    return tuple(outputs.shape)
