import math
from typing import Any, final

import keras

from vaemodels.config import HybridConfig
from vaemodels.encoders.base import AbstractEncoder
from vaemodels.hybrid import hybrid_stack
from vaemodels.layers import Tensor, build_stack, layer_seeds, run_stack


@final
class HybridEncoder(AbstractEncoder):
    """Layers one by one; what leaves the last is flattened.

    Args:
        config: The layers.
        image_shape: (height, width, channels).
        seed: Integer that fixes the initial weights.

    Raises:
        ValueError: If a layer does not fit.
    """

    def __init__(
        self, config: HybridConfig, image_shape: tuple[int, int, int], seed: int = 0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(shape=(None, *image_shape))
        shapes = config.shapes(image_shape, "encoder")
        self.stack = hybrid_stack(config, shapes, layer_seeds(seed, part=0), config.activation)
        build_stack(self.stack, (None, *image_shape))
        self.num_features = math.prod(shapes[-1])

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return keras.ops.reshape(run_stack(self.stack, images, training), (-1, self.num_features))
