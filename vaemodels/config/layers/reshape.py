import dataclasses
import math
from typing import ClassVar, final

from vaemodels.checks import is_integer, refuse
from vaemodels.config.layers.base import AbstractLayer, LayerShape


@final
@dataclasses.dataclass(frozen=True)
class ReshapeLayer(AbstractLayer):
    """The same values in another shape: what turns features into an image.

    Args:
        shape: (height, width, channels), or (units,) to flatten. One of them may be -1: what
            the number of values leaves, such as (1, 1, -1) for any length of `z`.

    Raises:
        ValueError: If it is none of these.
    """

    name: ClassVar[str] = "reshape"

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        expected = "(height, width, channels) or (units,), integers >= 1 or one of them -1"
        if not isinstance(self.shape, tuple | list) or len(self.shape) not in (1, 3):
            raise refuse("shape", expected, self.shape)
        if not all(is_integer(size) and (size >= 1 or size == -1) for size in self.shape):
            raise refuse("shape", expected, self.shape)
        if sum(size == -1 for size in self.shape) > 1:
            raise refuse("shape", expected, self.shape)
        object.__setattr__(self, "shape", tuple(self.shape))

    def output_shape(self, shape: LayerShape) -> LayerShape:
        num_values = math.prod(shape)
        known = math.prod(size for size in self.shape if size != -1)
        found = tuple(num_values // known if size == -1 else size for size in self.shape)
        if math.prod(found) != num_values:
            advice = "Change `shape` or the layer before it."
            raise refuse("shape", f"a shape of the {num_values} values of {shape}", found, advice)
        return found

    def num_weights(self, shape: LayerShape) -> int:
        return 0
