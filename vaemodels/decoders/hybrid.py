from typing import Any, final

import keras

from vaemodels.config import HybridConfig, check_decoder
from vaemodels.decoders.base import AbstractDecoder
from vaemodels.hybrid import hybrid_stack
from vaemodels.layers import Tensor, build_stack, layer_seeds, run_stack


@final
class HybridDecoder(AbstractDecoder):
    """Layers one by one, of which the last yields the outputs.

    Args:
        config: The layers, from `z` to image.
        latent_dim: Integer >= 1, length of `z`.
        image_shape: (height, width, channels).
        seed: Integer that fixes the initial weights.

    Raises:
        ValueError: If a layer does not fit, or the last yields no image.
    """

    def __init__(
        self,
        config: HybridConfig,
        latent_dim: int,
        image_shape: tuple[int, int, int],
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(shape=(None, latent_dim))
        check_decoder(config, image_shape, latent_dim)
        self.image_shape = image_shape
        shapes = config.shapes((latent_dim,), "decoder")
        self.stack = hybrid_stack(config, shapes, layer_seeds(seed, part=1), "linear")
        build_stack(self.stack, (None, latent_dim))

    def call(self, z: Tensor, training: bool = False) -> Tensor:
        return keras.ops.reshape(run_stack(self.stack, z, training), (-1, *self.image_shape))
