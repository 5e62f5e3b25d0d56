"""Parameter counts that the authors printed or that follow from their code."""

import re

import pytest

from vaemodels.building import build
from vaemodels.config import DenseConfig, HybridConfig, VAEConfig
from vaemodels.config.layers import DenseLayer
from vaemodels.counts import count_parameters
from vaemodels.presets import homework, notebook
from vaemodels.presets.architectures import (
    NOTEBOOK_CVAE,
    PROJECT_CVAE,
    PROJECT_CVAE_LISTED,
    THESIS_DECODERS,
    THESIS_ENCODERS,
    mirrored,
    thesis_cvae,
    thesis_mlp,
)
from vaemodels.sizes import decoder_count, encoder_count

IMAGE = (28, 28, 1)
NOTEBOOK = {"latent_dim": 10, **NOTEBOOK_CVAE}
THESIS = {"latent_dim": 5, **thesis_cvae()}

DENSE = {
    "seven layers": ({"latent_dim": 5, **thesis_mlp(7)}, 416_969),
    "seven layers, z 2": ({"latent_dim": 2, **thesis_mlp(7)}, 416_738),
    **{f"256, z {z}": ({"latent_dim": z, **mirrored(256)}, 402_704 + 770 * z) for z in (2, 5, 16)},
}
# The course project: as a stack of one kind, and listed layer by layer.
COURSE = {
    f"{name}, z {z}": ({"latent_dim": z, **halves}, 178_017 + 3_202 * z)
    for name, halves in {"stacks": PROJECT_CVAE, "listed": PROJECT_CVAE_LISTED}.items()
    for z in (2, 5, 16)
}
WHOLE = {
    **{f"homework {name}": config for name, config in homework.MODELS.items()},
    **{f"notebook {name}": config for name, config in notebook.MODELS.items()},
}
WHOLE_COUNTS = {
    "homework A": 29_033,
    "homework B": 52_201,
    "homework C": 103_593,
    "homework D": 100_065,
    "homework E": 100_953,
    "notebook ae": 477_794,
    "notebook vae": 480_804,
    "notebook cvae": 923_957,
}

# Rows and columns of the grid of experiment 2, by the layers that the code built: its "max_pool"
# averages. The counts of the last row and the first column are printed, the others were added up
# by hand. Rows: (weights, features).
THESIS_ENCODER_COUNTS = {
    "16,p,32,p": (4_800, 15_488),
    "8,16,p,32,p": (5_888, 12_800),
    "16,p,32,p,60": (9_980, 24_000),
    "16,p,32,p,60-k3": (22_140, 24_000),
    "16,32,60": (22_140, 29_040),
    "16,32,63": (23_007, 1_575),
}
THESIS_DECODER_COUNTS = {"28": 827_901, "7-s212": 664_269, "14": 715_005, "7-s221": 664_269}

PUBLISHED = {
    **DENSE,
    **COURSE,
    "thesis": (THESIS, 866_668),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_whole_models(name):
    values, expected = PUBLISHED[name]
    config = VAEConfig(IMAGE, **values)
    assert count_parameters(config) == expected
    assert build(config).num_parameters == expected


@pytest.mark.parametrize("name", WHOLE)
def test_models_of_the_presets(name):
    assert count_parameters(WHOLE[name]) == WHOLE_COUNTS[name]
    assert build(WHOLE[name]).num_parameters == WHOLE_COUNTS[name]


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
    assert encoder_count(THESIS_ENCODERS[name], IMAGE) == THESIS_ENCODER_COUNTS[name]


@pytest.mark.parametrize("name", THESIS_DECODERS)
def test_columns_of_the_thesis_grid(name):
    decoder, num_weights = THESIS_DECODERS[name], THESIS_DECODER_COUNTS[name]
    assert decoder_count(decoder, IMAGE, 5) == num_weights
    config = VAEConfig(IMAGE, 5, encoder=DenseConfig(()), decoder=decoder)
    assert sum(w.shape.num_elements() for w in build(config).decoder.weights) == num_weights


def test_the_exit_activation_of_an_author_is_the_likelihoods_business():
    layers = (*THESIS_DECODERS["28"].layers[:-1], DenseLayer(784, "sigmoid"))
    with pytest.raises(ValueError, match=re.escape("Leave `activation` out of layer 8")):
        count_parameters(VAEConfig(IMAGE, 5, decoder=HybridConfig(layers)))
