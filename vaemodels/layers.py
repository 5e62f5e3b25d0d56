"""Hidden layers that encoders and decoders share."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any, Final, TypeAlias

import keras

from vaemodels.config import ConvConfig, DenseConfig
from vaemodels.narrow import is_narrow, run_narrow

Tensor: TypeAlias = Any  # any array or symbolic tensor that keras.ops accepts
Shape: TypeAlias = tuple[int | None, ...]

# The activations that Keras has no name for; the others are called as in Keras.
_ACTIVATIONS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "leaky_relu_0.3": partial(keras.activations.leaky_relu, negative_slope=0.3),
}


def layer_seeds(seed: int, part: int) -> Iterator[int]:
    """Returns an endless stream of layer seeds, one stream per part of the model.

    Each layer gets its own, so equal layers differ and a layer more in the encoder leaves the
    decoder's initial weights as they were.
    """
    return count((seed * 31 + part) * 1000)


def initializer(seeds: Iterator[int]) -> keras.initializers.Initializer:
    """Returns Keras's default kernel initializer (Glorot uniform) with the next seed."""
    return keras.initializers.GlorotUniform(seed=next(seeds) % 2**31)


def activation_function(name: str) -> Callable[[Tensor], Tensor]:
    """Returns the function of a name among `config.plain.ACTIVATIONS`."""
    return _ACTIVATIONS.get(name) or keras.activations.get(name)


def finish(
    linear: keras.layers.Layer, activation: str, batch_norm: bool
) -> list[keras.layers.Layer]:
    """Returns a linear layer with what follows it but dropout: [normalisation, activation]."""
    function = activation_function(activation)
    linear.use_bias = not batch_norm  # normalisation subtracts a bias again
    if not batch_norm:
        linear.activation = function
        return [linear]
    return [linear, keras.layers.BatchNormalization(), keras.layers.Activation(function)]


def dropout(rate: float, seeds: Iterator[int]) -> list[keras.layers.Layer]:
    """Returns a dropout layer with the next seed, or nothing where the rate is 0."""
    return [keras.layers.Dropout(rate, seed=next(seeds) % 2**31)] if rate > 0 else []


def dense_stack(config: DenseConfig | ConvConfig, seeds: Iterator[int]) -> list[keras.layers.Layer]:
    """Returns the hidden dense layers of a config."""
    layers: list[keras.layers.Layer] = []
    for width in config.widths:
        linear = keras.layers.Dense(width, kernel_initializer=initializer(seeds))
        layers += finish(linear, config.activation, config.batch_norm)
        layers += dropout(config.dropout, seeds)
    return layers


def build_stack(layers: list[keras.layers.Layer], shape: Shape) -> Shape:
    """Builds the layers one after another; returns the shape that leaves the last."""
    for layer in layers:
        layer.build(shape)
        shape = layer.compute_output_shape(shape)
    return shape


def run_stack(layers: list[keras.layers.Layer], x: Tensor, training: bool) -> Tensor:
    """Returns `x` after all layers."""
    for layer in layers:
        if isinstance(layer, keras.layers.Dropout | keras.layers.BatchNormalization):
            x = layer(x, training=training)
        elif is_narrow(layer, x):
            x = run_narrow(layer, x)
        else:
            x = layer(x)
    return x
