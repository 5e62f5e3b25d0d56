"""From the described layers of a hybrid backbone to Keras's."""

from collections.abc import Iterator

import keras

from vaemodels.config import HybridConfig
from vaemodels.config.layers import (
    AbstractConvLayer,
    AbstractLayer,
    AbstractPoolLayer,
    ConvTransposeLayer,
    DenseLayer,
    DropoutLayer,
    LayerShape,
    MaxPoolLayer,
    UpSampleLayer,
)
from vaemodels.layers import dropout, finish, initializer


def _linear(layer: DenseLayer | AbstractConvLayer, seeds: Iterator[int]) -> keras.layers.Layer:
    if isinstance(layer, DenseLayer):
        return keras.layers.Dense(layer.units, kernel_initializer=initializer(seeds))
    transposed = isinstance(layer, ConvTransposeLayer)
    convolution = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    return convolution(
        layer.filters,
        layer.kernel_size,
        layer.stride,
        padding=layer.padding,
        kernel_initializer=initializer(seeds),
    )


def _keras_layers(
    layer: AbstractLayer, after: LayerShape, activation: str, seeds: Iterator[int]
) -> list[keras.layers.Layer]:
    """Returns what one described layer becomes, given the shape that leaves it."""
    if isinstance(layer, DenseLayer | AbstractConvLayer):
        name = layer.activation or activation
        return finish(_linear(layer, seeds), name, layer.batch_norm)
    if isinstance(layer, AbstractPoolLayer):
        maximum = isinstance(layer, MaxPoolLayer)
        pool = keras.layers.MaxPooling2D if maximum else keras.layers.AveragePooling2D
        return [pool(layer.size, layer.stride, padding=layer.padding)]
    if isinstance(layer, UpSampleLayer):
        return [keras.layers.UpSampling2D(layer.size)]
    if isinstance(layer, DropoutLayer):
        return dropout(layer.rate, seeds)
    return [keras.layers.Reshape(after)]


def hybrid_stack(
    config: HybridConfig,
    shapes: tuple[LayerShape, ...],
    seeds: Iterator[int],
    last_activation: str,
) -> list[keras.layers.Layer]:
    """Returns the Keras layers of a config.

    Args:
        config: The layers.
        shapes: Before the first and after every layer.
        seeds: One is taken per layer with random values.
        last_activation: Of the last layer where it names none.
    """
    stack: list[keras.layers.Layer] = []
    for i, layer in enumerate(config.layers):
        before, after = shapes[i], shapes[i + 1]
        if isinstance(layer, DenseLayer) and len(before) > 1:
            stack.append(keras.layers.Flatten())
        is_last = i == len(config.layers) - 1
        activation = last_activation if is_last else config.activation
        stack += _keras_layers(layer, after, activation, seeds)
    return stack
