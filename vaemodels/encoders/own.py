import math
from collections.abc import Mapping
from typing import Any, final

import keras

from vaemodels.encoders.base import AbstractEncoder
from vaemodels.layers import Tensor, layer_seeds
from vaemodels.own_parts import built, check_shape, made


@final
class OwnEncoder(AbstractEncoder):
    """A layer or model that a function of the user's makes; what leaves it is flattened.

    Args:
        function: Its name, `module:function`.
        options: Its arguments besides `image_shape`.
        image_shape: (height, width, channels).
        seed: Integer that fixes the initial weights.

    Raises:
        ValueError: If it makes something else.
    """

    def __init__(
        self,
        function: str,
        options: Mapping[str, Any],
        image_shape: tuple[int, int, int],
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(shape=(None, *image_shape))
        own_seed = next(layer_seeds(seed, part=0))
        self.layer = made(function, keras.layers.Layer, options, own_seed, image_shape)
        shape = built(self.layer, image_shape, own_seed)
        is_known = len(shape) >= 2 and None not in shape[1:]
        check_shape(function, shape, "(batch, features), features known", is_known)
        self.num_features = math.prod(shape[1:])

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        features = self.layer(images, training=training)
        return keras.ops.reshape(features, (-1, self.num_features))
