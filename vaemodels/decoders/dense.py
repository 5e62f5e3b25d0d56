import math
from typing import Any, final

import keras

from vaemodels.config import DenseConfig
from vaemodels.decoders.base import AbstractDecoder
from vaemodels.layers import Tensor, build_stack, dense_stack, initializer, layer_seeds, run_stack


@final
class DenseDecoder(AbstractDecoder):
    """Hidden dense layers, then one linear output per pixel and channel.

    Args:
        config: Widths (from `z` to image), activation, dropout, normalisation.
        latent_dim: Integer >= 1, length of `z`.
        image_shape: (height, width, channels).
        seed: Integer that fixes the initial weights.
    """

    def __init__(
        self,
        config: DenseConfig,
        latent_dim: int,
        image_shape: tuple[int, int, int],
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(shape=(None, latent_dim))
        seeds = layer_seeds(seed, part=1)
        self.image_shape = image_shape
        hidden = dense_stack(config, seeds)
        output = keras.layers.Dense(math.prod(image_shape), kernel_initializer=initializer(seeds))
        self.stack = [*hidden, output]
        build_stack(self.stack, (None, latent_dim))

    def call(self, z: Tensor, training: bool = False) -> Tensor:
        return keras.ops.reshape(run_stack(self.stack, z, training), (-1, *self.image_shape))
