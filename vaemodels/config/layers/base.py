"""What every described layer promises."""

import abc
from typing import Any, ClassVar, TypeAlias

from vaemodels.checks import check_one_of, refuse
from vaemodels.config.plain import ACTIVATIONS, plain

LayerShape: TypeAlias = tuple[int, ...]  # (units,) or (height, width, channels), without batch


class AbstractLayer(abc.ABC):
    """The description of one layer. Subclasses are frozen dataclasses that check themselves.

    Attributes:
        name: Which layer it is; the value of `layer` in JSON.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def output_shape(self, shape: LayerShape) -> LayerShape:
        """Returns the shape that leaves the layer.

        Raises:
            ValueError: If the layer does not fit what enters it.
        """

    @abc.abstractmethod
    def num_weights(self, shape: LayerShape) -> int:
        """Returns the number of weights behind an input of a shape, moving averages included."""

    def to_json(self) -> dict[str, Any]:
        """Returns the layer as plain values, with its name as `layer`."""
        return {"layer": self.name, **plain(self)}


def check_weighted(layer: Any) -> None:
    """Checks the two fields that all layers with weights have."""
    check_one_of((None, *ACTIVATIONS), activation=layer.activation)
    check_one_of((False, True), batch_norm=layer.batch_norm)


def check_image(shape: LayerShape) -> None:
    """Refuses the shape of anything but an image."""
    if len(shape) != 3:
        advice = "Put a 'reshape' layer before it."
        raise refuse("input", "an image (height, width, channels)", shape, advice)


def check_window(shape: LayerShape, size: int, stride: int, padding: str) -> None:
    """Refuses images on which a window has no place or, but at its first place, no second."""
    check_image(shape)
    if stride > max(shape[:2]):
        raise refuse(
            "input",
            f"a longer side of at least {stride} pixels for stride {stride}",
            shape,
            "Use fewer layers or smaller strides.",
        )
    if padding == "valid" and size > min(shape[:2]):
        raise refuse(
            "input",
            f"at least {size} x {size} pixels for a {size} x {size} window with padding='valid'",
            shape,
            "Use fewer layers, a smaller window or stride, or padding='same'.",
        )
