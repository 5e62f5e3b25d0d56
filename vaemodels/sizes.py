"""Shapes and parameter counts of a model, by arithmetic: nothing is allocated, Keras not loaded."""

import math

from vaemodels.config import (
    ConvConfig,
    DenseConfig,
    HybridConfig,
    RecurrentConfig,
    StockConfig,
    check_decoder,
)
from vaemodels.config.windows import weights_besides_kernel, window_steps

Size = tuple[int, int]


def encoder_sizes(config: ConvConfig, image_shape: tuple[int, int, int]) -> list[Size]:
    """Returns (height, width) after every convolution (and its pooling).

    Raises:
        ValueError: If a layer would leave no pixel.
    """
    sizes: list[Size] = []
    size: Size = image_shape[:2]
    for number, (_, kernel, stride) in enumerate(config.layers, start=1):
        steps = [(kernel, stride)] + ([(2, 2)] if config.pool else [])
        for window, step in steps:
            before = size
            height, width = (window_steps(side, window, step, config.padding) for side in size)
            size = (height, width)
            if min(size) < 1:
                raise ValueError(
                    f"Invalid value for `encoder`. Expected layers that leave at least 1 x 1 "
                    f"pixel. Received: layer {number} applies a {window} x {window} window to "
                    f"{before[0]} x {before[1]} pixels with padding='valid'. Use fewer layers, "
                    f"smaller kernels or strides, or padding='same'."
                )
        sizes.append(size)
    return sizes


def decoder_sizes(config: ConvConfig, image_shape: tuple[int, int, int]) -> list[Size]:
    """Returns (height, width) before the first and after every transposed convolution.

    Worked backwards from the image: each layer starts from the smallest size that reaches the next
    one, and what overshoots is cropped. Every image shape is hit exactly whatever the strides.
    """
    sizes = [image_shape[:2]]
    for _, kernel, stride in reversed(config.layers):
        extra = max(kernel - stride, 0) if config.padding == "valid" else 0
        height, width = (max(1, math.ceil((side - extra) / stride)) for side in sizes[0])
        sizes.insert(0, (height, width))
    return sizes


def _dense_count(num_inputs: int, widths: tuple[int, ...], batch_norm: bool) -> tuple[int, int]:
    """Returns (parameters, width of the last layer)."""
    total = 0
    for width in widths:
        total += (num_inputs + weights_besides_kernel(batch_norm)) * width
        num_inputs = width
    return total, num_inputs


def _conv_count(config: ConvConfig, channels: int) -> int:
    total = 0
    for filters, kernel, _ in config.layers:
        total += (kernel * kernel * channels + weights_besides_kernel(config.batch_norm)) * filters
        channels = filters
    return total


def _recurrent_count(config: RecurrentConfig, num_inputs: int) -> int:
    """Returns the weights of the recurrent layers: three kernels in a GRU, four in an LSTM."""
    kernels, biases = {"gru": (3, 2), "lstm": (4, 1)}[config.cell]
    total = 0
    for units in config.units:
        total += kernels * (num_inputs + units + biases) * units
        num_inputs = units
    return total


def encoder_count(config: StockConfig, shape: tuple[int, int, int]) -> tuple[int, int]:
    """Returns (parameters, number of features) of an encoder.

    Raises:
        ValueError: If the layers do not fit the image shape.
    """
    if isinstance(config, DenseConfig):
        return _dense_count(math.prod(shape), config.widths, config.batch_norm)
    if isinstance(config, RecurrentConfig):
        return _recurrent_count(config, shape[1] * shape[2]), config.units[-1]
    if isinstance(config, HybridConfig):
        shapes = config.shapes(shape, "encoder")
        return config.num_weights(shapes), math.prod(shapes[-1])
    height, width = encoder_sizes(config, shape)[-1]
    flat = height * width * config.filters[-1]
    dense, num_features = _dense_count(flat, config.widths, config.batch_norm)
    return _conv_count(config, shape[2]) + dense, num_features


def decoder_count(config: StockConfig, shape: tuple[int, int, int], latent_dim: int) -> int:
    """Returns the parameters of a decoder.

    Raises:
        ValueError: If the layers do not lead to the image shape.
    """
    check_decoder(config, shape, latent_dim)
    if isinstance(config, RecurrentConfig):
        row = shape[1] * shape[2]
        return _recurrent_count(config, latent_dim) + (config.units[-1] + 1) * row
    if isinstance(config, HybridConfig):
        return config.num_weights(config.shapes((latent_dim,), "decoder"))
    dense, num_features = _dense_count(latent_dim, config.widths, config.batch_norm)
    if isinstance(config, DenseConfig):
        return dense + (num_features + 1) * math.prod(shape)
    height, width = decoder_sizes(config, shape)[0]
    first, last = config.filters[0], config.filters[-1]
    projection = (num_features + 1) * height * width * first
    output = (config.layers[-1][1] ** 2 * last + 1) * shape[2]
    return dense + projection + _conv_count(config, first) + output
