import dataclasses
from typing import ClassVar, final

from vaemodels.checks import is_number, refuse
from vaemodels.config.layers.base import AbstractLayer, LayerShape


@final
@dataclasses.dataclass(frozen=True)
class DropoutLayer(AbstractLayer):
    """Dropout of single values, in training alone.

    Args:
        rate: From 0 to below 1.

    Raises:
        ValueError: If it is outside its range.
    """

    name: ClassVar[str] = "dropout"

    rate: float

    def __post_init__(self) -> None:
        if not is_number(self.rate) or not 0 <= self.rate < 1:
            raise refuse("rate", "a number from 0 to below 1", self.rate)

    def output_shape(self, shape: LayerShape) -> LayerShape:
        return shape

    def num_weights(self, shape: LayerShape) -> int:
        return 0
