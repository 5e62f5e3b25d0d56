from typing import Any, final

import keras

from vaemodels.config import RecurrentConfig
from vaemodels.encoders.base import AbstractEncoder
from vaemodels.layers import Tensor, build_stack, layer_seeds, run_stack
from vaemodels.recurrent import recurrent_stack


@final
class RecurrentEncoder(AbstractEncoder):
    """Recurrent layers over the rows of an image, each row a step with all its values.

    Args:
        config: Cell, units, activation, dropout.
        image_shape: (height, width, channels).
        seed: Integer that fixes the initial weights.
    """

    def __init__(
        self,
        config: RecurrentConfig,
        image_shape: tuple[int, int, int],
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(shape=(None, *image_shape))
        height, width, channels = image_shape
        self.row_shape = (height, width * channels)
        self.stack = recurrent_stack(config, layer_seeds(seed, part=0), return_sequences=False)
        build_stack(self.stack, (None, *self.row_shape))
        self.num_features = config.units[-1]

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        rows = keras.ops.reshape(images, (-1, *self.row_shape))
        return run_stack(self.stack, rows, training)
