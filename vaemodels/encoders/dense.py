import math
from typing import Any, final

import keras

from vaemodels.config import DenseConfig
from vaemodels.encoders.base import AbstractEncoder
from vaemodels.layers import Tensor, build_stack, dense_stack, layer_seeds, run_stack


@final
class DenseEncoder(AbstractEncoder):
    """Hidden dense layers over the flattened image; without any, the features are the pixels.

    Args:
        config: Widths, activation, dropout, normalisation.
        image_shape: (height, width, channels).
        seed: Integer that fixes the initial weights.
    """

    def __init__(
        self, config: DenseConfig, image_shape: tuple[int, int, int], seed: int = 0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(shape=(None, *image_shape))
        self.stack = dense_stack(config, layer_seeds(seed, part=0))
        num_pixels = math.prod(image_shape)
        self.num_pixels = num_pixels
        self.num_features = int(build_stack(self.stack, (None, num_pixels))[-1] or 0)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        flat = keras.ops.reshape(images, (-1, self.num_pixels))
        return run_stack(self.stack, flat, training)
