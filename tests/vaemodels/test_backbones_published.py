"""Parameter counts that the authors printed or that follow from their code."""

import re

import pytest

from vaemodels.building import build
from vaemodels.config import ConvConfig, DenseConfig, HybridConfig, VAEConfig
from vaemodels.config.layers import (
    AveragePoolLayer,
    ConvLayer,
    ConvTransposeLayer,
    DenseLayer,
    DropoutLayer,
    ReshapeLayer,
)
from vaemodels.counts import count_parameters
from vaemodels.sizes import decoder_count, encoder_count

IMAGE = (28, 28, 1)


def dense(*widths):
    """Returns a pair of dense backbones, mirrored."""
    return {"encoder": DenseConfig(widths), "decoder": DenseConfig(widths[::-1])}


LEARNED = {"latent_dim": 12, "likelihood": "gaussian", "variance": "learned"}

DENSE = {
    "seven layers": ({"latent_dim": 5, **dense(175, 150, 125, 100, 75, 50, 25)}, 416_969),
    "seven layers, z 2": ({"latent_dim": 2, **dense(175, 150, 125, 100, 75, 50, 25)}, 416_738),
    "autoencoder 300": ({"latent_dim": 10, "variant": "ae", **dense(300)}, 477_794),
    "300": ({"latent_dim": 10, **dense(300)}, 480_804),
    "A, linear": ({**LEARNED, **dense()}, 29_033),
    "B": ({**LEARNED, **dense(32)}, 52_201),
    "C": ({**LEARNED, **dense(64)}, 103_593),
    "D": ({**LEARNED, **dense(60, 32)}, 100_065),
    "E": ({**LEARNED, **dense(60, 32, 20)}, 100_953),
    **{f"256, z {z}": ({"latent_dim": z, **dense(256)}, 402_704 + 770 * z) for z in (2, 5, 16)},
}

# The course project: as a stack of one kind, and listed layer by layer.
STACKS = {
    "encoder": ConvConfig((32, 64), widths=(32,), dropout=0.25),
    "decoder": ConvConfig((64, 32), dropout=0.25),
}
LISTED = {
    "encoder": HybridConfig(
        (
            ConvLayer(32, stride=2),
            ConvLayer(64, stride=2),
            DropoutLayer(0.25),
            DenseLayer(32),
        )
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
COURSE = {
    f"{name}, z {z}": ({"latent_dim": z, **halves}, 178_017 + 3_202 * z)
    for name, halves in {"stacks": STACKS, "listed": LISTED}.items()
    for z in (2, 5, 16)
}

NOTEBOOK = {
    "latent_dim": 10,
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


def thesis_encoder(*layers):
    """Returns convolutions (filters, kernel, stride) and poolings (window,), all valid."""
    made = []
    for size, *window in layers:
        pools = not window
        made.append(
            AveragePoolLayer(size, stride=1) if pools else ConvLayer(size, *window, padding="valid")
        )
    return HybridConfig(tuple(made))


def thesis_decoder(side, filters, strides):
    """Returns transposed convolutions from `side` x `side` x 32 and a dense layer to the image."""
    return HybridConfig(
        (
            DenseLayer(side * side * 32),
            ReshapeLayer((side, side, 32)),
            *(ConvTransposeLayer(f, stride=s) for f, s in zip(filters, strides, strict=True)),
            ConvTransposeLayer(1),
            DenseLayer(784),
        )
    )


# Rows and columns of the grid of experiment 2, by the layers that the code built: its "max_pool"
# averages. The counts of the last row and the first column are printed, the others were added up
# by hand. Rows: (weights, features).
THESIS_ENCODERS = {
    "16,p,32,p": (thesis_encoder((16, 3, 1), (2,), (32, 3, 1), (2,)), 4_800, 15_488),
    "8,16,p,32,p": (
        thesis_encoder((8, 3, 1), (16, 3, 1), (2,), (32, 3, 1), (2,)),
        5_888,
        12_800,
    ),
    "16,p,32,p,60 (3,3,2,3,2)": (
        thesis_encoder((16, 3, 1), (3,), (32, 2, 1), (3,), (60, 2, 1)),
        9_980,
        24_000,
    ),
    "16,p,32,p,60 (3,2,3,2,3)": (
        thesis_encoder((16, 3, 1), (2,), (32, 3, 1), (2,), (60, 3, 1)),
        22_140,
        24_000,
    ),
    "16,32,60": (thesis_encoder((16, 3, 1), (32, 3, 1), (60, 3, 1)), 22_140, 29_040),
    "16,32,63 s1,2,2": (thesis_encoder((16, 3, 1), (32, 3, 2), (63, 3, 2)), 23_007, 1_575),
}
THESIS_DECODERS = {
    "28": (thesis_decoder(28, (60, 48, 32, 16), (1, 1, 1, 1)), 827_901),
    "7 s2,1,2": (thesis_decoder(7, (60, 32, 16), (2, 1, 2)), 664_269),
    "14": (thesis_decoder(14, (60, 48, 32, 16), (1, 2, 1, 1)), 715_005),
    "7 s2,2,1": (thesis_decoder(7, (60, 32, 16), (2, 2, 1)), 664_269),
}
THESIS = {
    "latent_dim": 5,
    "encoder": THESIS_ENCODERS["16,32,63 s1,2,2"][0],
    "decoder": THESIS_DECODERS["28"][0],
}

PUBLISHED = {
    **DENSE,
    **COURSE,
    "notebook": (NOTEBOOK, 923_957),
    "thesis": (THESIS, 866_668),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_whole_models(name):
    values, expected = PUBLISHED[name]
    config = VAEConfig(IMAGE, **values)
    assert count_parameters(config) == expected
    assert build(config).num_parameters == expected


@pytest.mark.parametrize(
    ("model", "encoder", "decoder"),
    [(THESIS, 38_767, 827_901), (NOTEBOOK, 584_308, 339_649)],
)
def test_halves_with_the_head_in_the_encoder(model, encoder, decoder):
    z = model["latent_dim"]
    weights, num_features = encoder_count(model["encoder"], IMAGE)
    assert weights + (num_features + 1) * 2 * z == encoder
    assert decoder_count(model["decoder"], IMAGE, z) == decoder


def test_every_layer_of_the_notebook_model():
    encoder, decoder = NOTEBOOK["encoder"], NOTEBOOK["decoder"]
    shapes = encoder.shapes(IMAGE, "encoder"), decoder.shapes((10,), "decoder")
    counts = [
        [layer.num_weights(shape) for layer, shape in zip(config.layers, before, strict=False)]
        for config, before in zip((encoder, decoder), shapes, strict=True)
    ]
    assert counts[0] == [832, 25_632, 51_264, 102_464, 401_536]
    assert counts[1] == [0, 31_424, 102_464, 102_464, 51_232, 25_632, 25_632, 801]


@pytest.mark.parametrize("name", THESIS_ENCODERS)
def test_rows_of_the_thesis_grid(name):
    encoder, num_weights, num_features = THESIS_ENCODERS[name]
    assert encoder_count(encoder, IMAGE) == (num_weights, num_features)


@pytest.mark.parametrize("name", THESIS_DECODERS)
def test_columns_of_the_thesis_grid(name):
    decoder, num_weights = THESIS_DECODERS[name]
    assert decoder_count(decoder, IMAGE, 5) == num_weights
    config = VAEConfig(IMAGE, 5, encoder=DenseConfig(()), decoder=decoder)
    assert sum(w.shape.num_elements() for w in build(config).decoder.weights) == num_weights


def test_the_exit_activation_of_an_author_is_the_likelihoods_business():
    layers = (*THESIS_DECODERS["28"][0].layers[:-1], DenseLayer(784, "sigmoid"))
    with pytest.raises(ValueError, match=re.escape("Leave `activation` out of layer 8")):
        count_parameters(VAEConfig(IMAGE, 5, decoder=HybridConfig(layers)))
