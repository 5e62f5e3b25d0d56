"""Encoders and decoders as their authors built them, each written once.

A model is a mapping with the keys `encoder` and `decoder`, ready for `VAEConfig`.
"""

from typing import Any, Final

from vaemodels.config import ConvConfig, DenseConfig, HybridConfig
from vaemodels.config.layers import (
    AbstractLayer,
    AveragePoolLayer,
    ConvLayer,
    ConvTransposeLayer,
    DenseLayer,
    DropoutLayer,
    ReshapeLayer,
)


def mirrored(*widths: int, activation: str = "relu") -> dict[str, Any]:
    """Returns dense backbones, the decoder's widths those of the encoder reversed."""
    return {
        "encoder": DenseConfig(widths, activation),
        "decoder": DenseConfig(widths[::-1], activation),
    }


def thesis_mlp(num_layers: int) -> dict[str, Any]:
    """Returns the 2023 thesis' dense model: widths 25 * num_layers, ..., 50, 25, and mirrored."""
    return mirrored(*range(25 * num_layers, 0, -25))


def thesis_encoder(*layers: tuple[int, ...]) -> HybridConfig:
    """Returns convolutions (filters, kernel, stride) and poolings (window,), all valid.

    What the thesis calls max pooling averages, with a stride of 1: a test in its code is inverted.
    """
    made: list[AbstractLayer] = []
    for layer in layers:
        if len(layer) == 1:
            made.append(AveragePoolLayer(layer[0], stride=1))
        else:
            filters, kernel_size, stride = layer
            made.append(ConvLayer(filters, kernel_size, stride, padding="valid"))
    return HybridConfig(tuple(made))


def thesis_decoder(side: int, filters: tuple[int, ...], strides: tuple[int, ...]) -> HybridConfig:
    """Returns transposed convolutions from `side` x `side` x 32 and a dense layer to the image."""
    convolutions = [ConvTransposeLayer(f, stride=s) for f, s in zip(filters, strides, strict=True)]
    return HybridConfig(
        (
            DenseLayer(side * side * 32),
            ReshapeLayer((side, side, 32)),
            *convolutions,
            ConvTransposeLayer(1),
            DenseLayer(784),
        )
    )


# Rows and columns of the grid of experiment 2.
THESIS_ENCODERS: Final = {
    "16,p,32,p": thesis_encoder((16, 3, 1), (2,), (32, 3, 1), (2,)),
    "8,16,p,32,p": thesis_encoder((8, 3, 1), (16, 3, 1), (2,), (32, 3, 1), (2,)),
    "16,p,32,p,60": thesis_encoder((16, 3, 1), (3,), (32, 2, 1), (3,), (60, 2, 1)),
    "16,p,32,p,60-k3": thesis_encoder((16, 3, 1), (2,), (32, 3, 1), (2,), (60, 3, 1)),
    "16,32,60": thesis_encoder((16, 3, 1), (32, 3, 1), (60, 3, 1)),
    "16,32,63": thesis_encoder((16, 3, 1), (32, 3, 2), (63, 3, 2)),
}
THESIS_DECODERS: Final = {
    "28": thesis_decoder(28, (60, 48, 32, 16), (1, 1, 1, 1)),
    "7-s212": thesis_decoder(7, (60, 32, 16), (2, 1, 2)),
    "14": thesis_decoder(14, (60, 48, 32, 16), (1, 2, 1, 1)),
    "7-s221": thesis_decoder(7, (60, 32, 16), (2, 2, 1)),
}


def thesis_cvae(encoder: str = "16,32,63", decoder: str = "28") -> dict[str, Any]:
    """Returns a convolutional model of the thesis' grid, by default the one it chose."""
    return {"encoder": THESIS_ENCODERS[encoder], "decoder": THESIS_DECODERS[decoder]}


NOTEBOOK_CVAE: Final[dict[str, Any]] = {
    "encoder": HybridConfig(
        (
            ConvLayer(32, 5),
            ConvLayer(32, 5, 2),
            ConvLayer(64, 5),
            ConvLayer(64, 5, 2),
            ConvLayer(128, 7, padding="valid"),
        ),
        "leaky_relu_0.3",
    ),
    "decoder": HybridConfig(
        (
            ReshapeLayer((1, 1, -1)),
            ConvTransposeLayer(64, 7, padding="valid"),
            ConvTransposeLayer(64, 5),
            ConvTransposeLayer(64, 5, 2),
            ConvTransposeLayer(32, 5),
            ConvTransposeLayer(32, 5, 2),
            ConvTransposeLayer(32, 5),
            ConvLayer(1, 5),
        ),
        "leaky_relu_0.3",
    ),
}

# The course project's convolutional model, as a stack of one kind, and listed layer by layer.
PROJECT_CVAE: Final[dict[str, Any]] = {
    "encoder": ConvConfig((32, 64), widths=(32,), dropout=0.25),
    "decoder": ConvConfig((64, 32), dropout=0.25),
}
PROJECT_CVAE_LISTED: Final[dict[str, Any]] = {
    "encoder": HybridConfig(
        (ConvLayer(32, stride=2), ConvLayer(64, stride=2), DropoutLayer(0.25), DenseLayer(32))
    ),
    "decoder": HybridConfig(
        (
            DenseLayer(3136),
            ReshapeLayer((7, 7, 64)),
            ConvTransposeLayer(64, stride=2),
            ConvTransposeLayer(32, stride=2),
            DropoutLayer(0.25),
            ConvTransposeLayer(1),
        )
    ),
}
