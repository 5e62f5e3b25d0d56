"""Functions with a gradient of their own."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def own_gradient(*shapes: Sequence[int | None]) -> Callable[[Callable[..., Any]], Any]:
    """Returns a decorator of a function that returns a value and its gradient function.

    Traced once, by itself: TensorFlow never forgets a custom gradient that it has traced, nor the
    graph around it, so that a worker would keep some 10 MB of every model that it ever trained.

    Args:
        *shapes: Of the float32 arguments.
    """
    signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]

    def decorate(function: Callable[..., Any]) -> Any:
        with_gradient = tf.custom_gradient(function)
        return tf.function(with_gradient, input_signature=signature, autograph=False)

    return decorate
