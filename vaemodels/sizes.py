"""Shapes and parameter counts of a model, by arithmetic: nothing is allocated, Keras not loaded."""

import math

from vaemodels.config import ConvConfig, DenseConfig, VAEConfig

Size = tuple[int, int]


def _shrink(size: int, kernel: int, stride: int, padding: str) -> int:
    """Returns the side length after a convolution or pooling; below 1 if it does not fit."""
    if padding == "same":
        return math.ceil(size / stride)
    return (size - kernel) // stride + 1 if size >= kernel else 0


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
            height, width = (_shrink(side, window, step, config.padding) for side in size)
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


def _extra(batch_norm: bool) -> int:
    """Returns the weights per unit besides the kernel: a bias, or scale, shift and two averages."""
    return 4 if batch_norm else 1


def _dense_count(num_inputs: int, widths: tuple[int, ...], batch_norm: bool) -> tuple[int, int]:
    """Returns (parameters, width of the last layer)."""
    total = 0
    for width in widths:
        total += (num_inputs + _extra(batch_norm)) * width
        num_inputs = width
    return total, num_inputs


def _conv_count(config: ConvConfig, channels: int) -> int:
    total = 0
    for filters, kernel, _ in config.layers:
        total += (kernel * kernel * channels + _extra(config.batch_norm)) * filters
        channels = filters
    return total


def _encoder_count(
    config: DenseConfig | ConvConfig, shape: tuple[int, int, int]
) -> tuple[int, int]:
    if isinstance(config, DenseConfig):
        return _dense_count(math.prod(shape), config.widths, config.batch_norm)
    height, width = encoder_sizes(config, shape)[-1]
    flat = height * width * config.filters[-1]
    dense, num_features = _dense_count(flat, config.widths, config.batch_norm)
    return _conv_count(config, shape[2]) + dense, num_features


def _decoder_count(
    config: DenseConfig | ConvConfig, shape: tuple[int, int, int], latent_dim: int
) -> int:
    dense, num_features = _dense_count(latent_dim, config.widths, config.batch_norm)
    if isinstance(config, DenseConfig):
        return dense + (num_features + 1) * math.prod(shape)
    height, width = decoder_sizes(config, shape)[0]
    first, last = config.filters[0], config.filters[-1]
    projection = (num_features + 1) * height * width * first
    output = (config.layers[-1][1] ** 2 * last + 1) * shape[2]
    return dense + projection + _conv_count(config, first) + output


def count_parameters(config: VAEConfig) -> int:
    """Returns the number of weights of the model, moving averages included, without building it.

    Raises:
        ValueError: If the layers do not fit the image shape.
    """
    encoder, num_features = _encoder_count(config.encoder, config.image_shape)
    head_width = config.latent_dim * (1 if config.variant == "ae" else 2)
    head = (num_features + 1) * head_width
    decoder = _decoder_count(config.decoder, config.image_shape, config.latent_dim)
    learned = config.likelihood == "gaussian" and config.variance == "learned"
    return encoder + head + decoder + int(learned)
