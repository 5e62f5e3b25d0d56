from typing import Any, final

import keras

from vaemodels.config import RecurrentConfig
from vaemodels.decoders.base import AbstractDecoder
from vaemodels.layers import Tensor, build_stack, initializer, layer_seeds, run_stack
from vaemodels.recurrent import recurrent_stack


@final
class RecurrentDecoder(AbstractDecoder):
    """`z` at every row, recurrent layers, then one linear layer from state to row.

    Args:
        config: Cell, units (from `z` to image), activation, dropout.
        latent_dim: Integer >= 1, length of `z`.
        image_shape: (height, width, channels).
        seed: Integer that fixes the initial weights.
    """

    def __init__(
        self,
        config: RecurrentConfig,
        latent_dim: int,
        image_shape: tuple[int, int, int],
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(shape=(None, latent_dim))
        seeds = layer_seeds(seed, part=1)
        self.image_shape = image_shape
        height, width, channels = image_shape
        hidden = recurrent_stack(config, seeds, return_sequences=True)
        row = keras.layers.Dense(width * channels, kernel_initializer=initializer(seeds))
        self.stack = [keras.layers.RepeatVector(height), *hidden, row]
        build_stack(self.stack, (None, latent_dim))

    def call(self, z: Tensor, training: bool = False) -> Tensor:
        return keras.ops.reshape(run_stack(self.stack, z, training), (-1, *self.image_shape))
