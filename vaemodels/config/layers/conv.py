import dataclasses
from typing import ClassVar, final

from vaemodels.checks import check_at_least, check_one_of
from vaemodels.config.layers.base import (
    AbstractLayer,
    LayerShape,
    check_image,
    check_weighted,
    check_window,
)
from vaemodels.config.windows import transposed_size, weights_besides_kernel, window_steps


@dataclasses.dataclass(frozen=True)
class AbstractConvLayer(AbstractLayer):
    """A convolution in either direction, with a square kernel.

    Args:
        filters: Integer >= 1, channels that leave it.
        kernel_size: Integer >= 1, in pixels.
        stride: Integer >= 1, in pixels; of a transposed convolution the factor of enlargement.
        padding: "same" or "valid".
        activation: One of `ACTIVATIONS`, or None for the backbone's.
        batch_norm: Whether to normalise before the activation.

    Raises:
        ValueError: If a value is outside its range.
    """

    filters: int
    kernel_size: int = 3
    stride: int = 1
    padding: str = "same"
    activation: str | None = None
    batch_norm: bool = False

    def __post_init__(self) -> None:
        check_at_least(1, filters=self.filters, kernel_size=self.kernel_size, stride=self.stride)
        check_one_of(("same", "valid"), padding=self.padding)
        check_weighted(self)

    def num_weights(self, shape: LayerShape) -> int:
        fan_in = self.kernel_size**2 * shape[-1]
        return (fan_in + weights_besides_kernel(self.batch_norm)) * self.filters


@final
@dataclasses.dataclass(frozen=True)
class ConvLayer(AbstractConvLayer):
    """A convolution. See `AbstractConvLayer`."""

    name: ClassVar[str] = "conv"

    def output_shape(self, shape: LayerShape) -> LayerShape:
        window = (self.kernel_size, self.stride, self.padding)
        check_window(shape, *window)
        return (*(window_steps(side, *window) for side in shape[:2]), self.filters)


@final
@dataclasses.dataclass(frozen=True)
class ConvTransposeLayer(AbstractConvLayer):
    """A transposed convolution: "same" gives sides times stride. See `AbstractConvLayer`."""

    name: ClassVar[str] = "conv_transpose"

    def output_shape(self, shape: LayerShape) -> LayerShape:
        check_image(shape)
        window = (self.kernel_size, self.stride, self.padding)
        return (*(transposed_size(side, *window) for side in shape[:2]), self.filters)
