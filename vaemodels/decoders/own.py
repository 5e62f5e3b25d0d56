import math
from collections.abc import Mapping
from typing import Any, final

import keras

from vaemodels.decoders.base import AbstractDecoder
from vaemodels.layers import Tensor, layer_seeds
from vaemodels.own_parts import built, check_shape, made


@final
class OwnDecoder(AbstractDecoder):
    """A layer or model that a function of the user's makes, with linear outputs at its end.

    Args:
        function: Its name, `module:function`.
        options: Its arguments besides `latent_dim` and `image_shape`.
        latent_dim: Integer >= 1, length of `z`.
        image_shape: (height, width, channels).
        seed: Integer that fixes the initial weights.

    Raises:
        ValueError: If it makes something else, or its outputs do not make an image.
    """

    def __init__(
        self,
        function: str,
        options: Mapping[str, Any],
        latent_dim: int,
        image_shape: tuple[int, int, int],
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(shape=(None, latent_dim))
        own_seed = next(layer_seeds(seed, part=1))
        self.layer = made(function, keras.layers.Layer, options, own_seed, latent_dim, image_shape)
        shape = built(self.layer, (latent_dim,), own_seed)
        num_pixels = math.prod(image_shape)
        is_image = shape[1:] in (image_shape, (num_pixels,))
        check_shape(function, shape, f"(batch, {', '.join(map(str, image_shape))})", is_image)
        self.image_shape = image_shape

    def call(self, z: Tensor, training: bool = False) -> Tensor:
        return keras.ops.reshape(self.layer(z, training=training), (-1, *self.image_shape))
