import dataclasses
import math
from typing import ClassVar, final

from vaemodels.checks import check_at_least
from vaemodels.config.layers.base import AbstractLayer, LayerShape, check_weighted
from vaemodels.config.windows import weights_besides_kernel


@final
@dataclasses.dataclass(frozen=True)
class DenseLayer(AbstractLayer):
    """A dense layer; an image that enters it is flattened.

    Args:
        units: Integer >= 1.
        activation: One of `ACTIVATIONS`, or None for the backbone's.
        batch_norm: Whether to normalise before the activation.

    Raises:
        ValueError: If a value is outside its range.
    """

    name: ClassVar[str] = "dense"

    units: int
    activation: str | None = None
    batch_norm: bool = False

    def __post_init__(self) -> None:
        check_at_least(1, units=self.units)
        check_weighted(self)

    def output_shape(self, shape: LayerShape) -> LayerShape:
        return (self.units,)

    def num_weights(self, shape: LayerShape) -> int:
        return (math.prod(shape) + weights_besides_kernel(self.batch_norm)) * self.units
