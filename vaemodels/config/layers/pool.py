import dataclasses
from typing import ClassVar, final

from vaemodels.checks import check_at_least, check_one_of
from vaemodels.config.layers.base import AbstractLayer, LayerShape, check_window
from vaemodels.config.windows import window_steps


@dataclasses.dataclass(frozen=True)
class AbstractPoolLayer(AbstractLayer):
    """One value per channel and square window.

    Args:
        size: Integer >= 1, side of the window in pixels.
        stride: Integer >= 1, in pixels, or None for `size`: windows side by side.
        padding: "same" or "valid".

    Raises:
        ValueError: If a value is outside its range.
    """

    size: int = 2
    stride: int | None = None
    padding: str = "valid"

    def __post_init__(self) -> None:
        check_at_least(1, size=self.size)
        if self.stride is not None:
            check_at_least(1, stride=self.stride)
        check_one_of(("same", "valid"), padding=self.padding)

    def output_shape(self, shape: LayerShape) -> LayerShape:
        window = (self.size, self.stride or self.size, self.padding)
        check_window(shape, *window)
        return (*(window_steps(side, *window) for side in shape[:2]), shape[2])

    def num_weights(self, shape: LayerShape) -> int:
        return 0


@final
@dataclasses.dataclass(frozen=True)
class MaxPoolLayer(AbstractPoolLayer):
    """The largest value of each window. See `AbstractPoolLayer`."""

    name: ClassVar[str] = "max_pool"


@final
@dataclasses.dataclass(frozen=True)
class AveragePoolLayer(AbstractPoolLayer):
    """The mean of each window. See `AbstractPoolLayer`."""

    name: ClassVar[str] = "average_pool"
