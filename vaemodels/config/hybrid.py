import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final, final

from vaemodels.checks import check_one_of, refuse
from vaemodels.config.layers import (
    AbstractConvLayer,
    AbstractLayer,
    AveragePoolLayer,
    ConvLayer,
    ConvTransposeLayer,
    DenseLayer,
    DropoutLayer,
    LayerShape,
    MaxPoolLayer,
    ReshapeLayer,
    UpSampleLayer,
)
from vaemodels.config.plain import ACTIVATIONS, from_plain

_LAYERS: Final[dict[str, type[AbstractLayer]]] = {
    layer.name: layer
    for layer in (
        DenseLayer,
        ConvLayer,
        ConvTransposeLayer,
        MaxPoolLayer,
        AveragePoolLayer,
        UpSampleLayer,
        ReshapeLayer,
        DropoutLayer,
    )
}


def _layer(value: Any) -> AbstractLayer:
    """Returns the layer of its plain values, or `value` itself where it is one already."""
    if isinstance(value, AbstractLayer):
        return value
    if not isinstance(value, Mapping) or value.get("layer") not in list(_LAYERS):
        names = ", ".join(repr(name) for name in _LAYERS)
        raise refuse("layer", f"a mapping with a `layer` of {names}", value)
    return from_plain(_LAYERS[value["layer"]], {k: v for k, v in value.items() if k != "layer"})


@final
@dataclasses.dataclass(frozen=True)
class HybridConfig:
    """Layers one by one, in the order in which data passes them: any mix of dense, convolution,
    transposed convolution, pooling, up-sampling, reshaping and dropout.

    A dense layer flattens an image that reaches it, and so does the end of an encoder. A
    convolution after a dense layer, or after `z`, needs a `ReshapeLayer` between them.

    Nothing is added to a decoder: its last layer is the output layer, a dense one or a
    convolution that yields one value per pixel and channel of the image. It has no activation,
    since the likelihood reads linear outputs (logits, or the mean before its sigmoid).

    Args:
        layers: The layers, or the plain values of their `to_json`, such as
            `{"layer": "conv", "filters": 32, "kernel_size": 5, "stride": 2}`.
        activation: One of `ACTIVATIONS`, of every layer with weights that names no other and is
            not a decoder's last.

    Raises:
        ValueError: If a value is outside its range; the message has the layer's number, from 1.
    """

    layers: tuple[AbstractLayer, ...]
    activation: str = "relu"

    def __post_init__(self) -> None:
        if not isinstance(self.layers, tuple | list):
            raise refuse("layers", "a tuple of layers", self.layers)
        layers = []
        for number, value in enumerate(self.layers, start=1):
            try:
                layers.append(_layer(value))
            except ValueError as error:
                raise ValueError(f"Layer {number} of `layers`: {error}") from error
        object.__setattr__(self, "layers", tuple(layers))
        check_one_of(ACTIVATIONS, activation=self.activation)

    def shapes(self, shape: LayerShape, part: str) -> tuple[LayerShape, ...]:
        """Returns the shapes before the first and after every layer.

        Args:
            shape: What enters: `image_shape`, or `(latent_dim,)`.
            part: "encoder" or "decoder", for the message.

        Raises:
            ValueError: If a layer does not fit; the message has its number, from 1.
        """
        shapes = [shape]
        for number, layer in enumerate(self.layers, start=1):
            try:
                shapes.append(layer.output_shape(shapes[-1]))
            except ValueError as error:
                raise ValueError(f"Layer {number} ({layer.name}) of `{part}`: {error}") from error
        return tuple(shapes)

    def num_weights(self, shapes: tuple[LayerShape, ...]) -> int:
        """Returns the weights of all layers, moving averages included, from their `shapes`."""
        pairs = zip(self.layers, shapes[:-1], strict=True)
        return sum(layer.num_weights(shape) for layer, shape in pairs)

    def check_output(self, image_shape: tuple[int, int, int], latent_dim: int) -> None:
        """Raises `ValueError` unless the layers lead from `z` to the image, linearly at the end."""
        last = self.layers[-1] if self.layers else None
        if not isinstance(last, DenseLayer | AbstractConvLayer):
            expected = "a 'dense', 'conv' or 'conv_transpose' layer at the end"
            raise refuse("decoder", expected, last.to_json() if last else self.layers)
        number = len(self.layers)
        if last.activation not in (None, "linear"):
            advice = f"Leave `activation` out of layer {number}: the likelihood applies its own."
            raise refuse("decoder", "a linear last layer", last.to_json(), advice)
        shape = self.shapes((latent_dim,), "decoder")[-1]
        if shape not in (image_shape, (math.prod(image_shape),)):
            expected = f"{image_shape} or ({math.prod(image_shape)},) after the last layer"
            raise ValueError(
                f"Layer {number} ({last.name}) of `decoder`: {refuse('output', expected, shape)}"
            )

    def to_json(self) -> dict[str, Any]:
        """Returns the config as plain values, with its `kind`."""
        layers = [layer.to_json() for layer in self.layers]
        return {"kind": "hybrid", "layers": layers, "activation": self.activation}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "HybridConfig":
        """Returns the config of `to_json`; an unknown key raises `ValueError`."""
        return from_plain(HybridConfig, {k: v for k, v in values.items() if k != "kind"})
