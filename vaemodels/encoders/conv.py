from typing import Any, final

import keras

from vaemodels.config import ConvConfig
from vaemodels.encoders.base import AbstractEncoder
from vaemodels.layers import (
    Tensor,
    build_stack,
    dense_stack,
    dropout,
    finish,
    initializer,
    layer_seeds,
    run_stack,
)
from vaemodels.sizes import encoder_sizes

_POOLS = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}


@final
class ConvEncoder(AbstractEncoder):
    """Convolutions, then dense layers.

    Args:
        config: Filters, kernels, strides, padding, pooling, dense widths, activation.
        image_shape: (height, width, channels).
        seed: Integer that fixes the initial weights.

    Raises:
        ValueError: If a layer would leave no pixel.
    """

    def __init__(
        self, config: ConvConfig, image_shape: tuple[int, int, int], seed: int = 0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(shape=(None, *image_shape))
        encoder_sizes(config, image_shape)  # refuses layers that do not fit
        seeds = layer_seeds(seed, part=0)
        stack: list[keras.layers.Layer] = []
        for filters, kernel, stride in config.layers:
            convolution = keras.layers.Conv2D(
                filters,
                kernel,
                stride,
                padding=config.padding,
                kernel_initializer=initializer(seeds),
            )
            stack += finish(convolution, config.activation, config.batch_norm)
            if config.pool:
                stack.append(_POOLS[config.pool](2, 2, padding=config.padding))
        stack += [*dropout(config.dropout, seeds), keras.layers.Flatten()]
        self.stack = stack + dense_stack(config, seeds)
        self.num_features = int(build_stack(self.stack, (None, *image_shape))[-1] or 0)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return run_stack(self.stack, images, training)
