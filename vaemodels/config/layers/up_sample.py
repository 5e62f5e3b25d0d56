import dataclasses
from typing import ClassVar, final

from vaemodels.checks import check_at_least
from vaemodels.config.layers.base import AbstractLayer, LayerShape, check_image


@final
@dataclasses.dataclass(frozen=True)
class UpSampleLayer(AbstractLayer):
    """Every pixel repeated in a square of `size` x `size` (nearest neighbour).

    Args:
        size: Integer >= 1, factor of enlargement.

    Raises:
        ValueError: If it is outside its range.
    """

    name: ClassVar[str] = "up_sample"

    size: int = 2

    def __post_init__(self) -> None:
        check_at_least(1, size=self.size)

    def output_shape(self, shape: LayerShape) -> LayerShape:
        check_image(shape)
        return (shape[0] * self.size, shape[1] * self.size, shape[2])

    def num_weights(self, shape: LayerShape) -> int:
        return 0
