from typing import Any, final

import keras

from vaemodels.config import ConvConfig
from vaemodels.decoders.base import AbstractDecoder
from vaemodels.layers import (
    Tensor,
    activation_function,
    build_stack,
    dense_stack,
    dropout,
    finish,
    initializer,
    layer_seeds,
    run_stack,
)
from vaemodels.sizes import Size, decoder_sizes


@final
class ConvDecoder(AbstractDecoder):
    """Dense layers, transposed convolutions, then one linear convolution to the image's channels.

    Every transposed convolution starts from the smallest size that reaches the next one and crops
    the rest, so that any image shape is hit exactly. The last convolution has stride 1 and the
    kernel size of the layer before it.

    Args:
        config: Dense widths, then filters, kernels and strides, from `z` to image.
        latent_dim: Integer >= 1, length of `z`.
        image_shape: (height, width, channels).
        seed: Integer that fixes the initial weights.
    """

    def __init__(
        self,
        config: ConvConfig,
        latent_dim: int,
        image_shape: tuple[int, int, int],
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(shape=(None, latent_dim))
        seeds = layer_seeds(seed, part=1)
        sizes = decoder_sizes(config, image_shape)
        self.stack = self._stack(config, sizes, image_shape[2], seeds)
        build_stack(self.stack, (None, latent_dim))

    @staticmethod
    def _stack(
        config: ConvConfig, sizes: list[Size], channels: int, seeds: Any
    ) -> list[keras.layers.Layer]:
        height, width = sizes[0]
        first = config.filters[0]
        projection = keras.layers.Dense(
            height * width * first,
            activation=activation_function(config.activation),
            kernel_initializer=initializer(seeds),
        )
        reshape = keras.layers.Reshape((height, width, first))
        stack = [*dense_stack(config, seeds), projection, reshape]
        for (filters, kernel, stride), before, after in zip(
            config.layers, sizes[:-1], sizes[1:], strict=True
        ):
            transposed = keras.layers.Conv2DTranspose(
                filters,
                kernel,
                stride,
                padding=config.padding,
                kernel_initializer=initializer(seeds),
            )
            stack += finish(transposed, config.activation, config.batch_norm)
            stack += _crop(transposed.compute_output_shape((1, *before, first))[1:3], after)
        output = keras.layers.Conv2D(
            channels, config.layers[-1][1], padding="same", kernel_initializer=initializer(seeds)
        )
        return [*stack, *dropout(config.dropout, seeds), output]

    def call(self, z: Tensor, training: bool = False) -> Tensor:
        return run_stack(self.stack, z, training)


def _crop(size: Size, target: Size) -> list[keras.layers.Layer]:
    """Returns a layer that cuts the rows below and the columns right of the target, if any."""
    bottom, right = size[0] - target[0], size[1] - target[1]
    return [keras.layers.Cropping2D(((0, bottom), (0, right)))] if bottom or right else []
