import re

import pytest

from tests.contracts.backbone_contract import BackboneContract
from vaemodels.build import build_vae
from vaemodels.config import ConvConfig, DenseConfig, VAEConfig
from vaemodels.sizes import count_parameters


class TestDense(BackboneContract):
    @pytest.fixture(params=[(), (7,), (9, 5, 4)])
    def encoder(self, request):
        return DenseConfig(request.param, batch_norm=True, dropout=0.3)

    @pytest.fixture
    def decoder(self):
        return DenseConfig((6, 7), activation="leaky_relu")


class TestConv(BackboneContract):
    @pytest.fixture(params=["same", "valid", "pool"])
    def encoder(self, request):
        if request.param == "pool":
            return ConvConfig((4, 5), (2,), (1,), pool="average", widths=(6,), batch_norm=True)
        return ConvConfig((4, 5), (3, 2), (2, 1), padding=request.param, dropout=0.25)

    @pytest.fixture(
        params=[((4, 3), (3,), (2,)), ((4, 3, 2), (3, 2, 5), (3, 1, 2)), ((4,), (2,), (5,))]
    )
    def decoder(self, request):
        filters, kernels, strides = request.param
        return ConvConfig(filters, kernels, strides, padding="valid", widths=(5,), batch_norm=True)


class TestMixed(BackboneContract):
    @pytest.fixture
    def encoder(self):
        return DenseConfig((6,))

    @pytest.fixture
    def decoder(self):
        return ConvConfig((4, 3), (3, 4), (2, 3))


# Counts that the authors printed or that follow from their code.
PUBLISHED = {
    "dense, 7 layers": (
        {
            "latent_dim": 5,
            "encoder": DenseConfig((175, 150, 125, 100, 75, 50, 25)),
            "decoder": DenseConfig((25, 50, 75, 100, 125, 150, 175)),
        },
        416_969,
    ),
    "autoencoder 300": (
        {
            "latent_dim": 10,
            "variant": "ae",
            "encoder": DenseConfig((300,)),
            "decoder": DenseConfig((300,)),
        },
        477_794,
    ),
    "dense 300": (
        {"latent_dim": 10, "encoder": DenseConfig((300,)), "decoder": DenseConfig((300,))},
        480_804,
    ),
    "linear, learned variance": (
        {
            "latent_dim": 12,
            "likelihood": "gaussian",
            "variance": "learned",
            "encoder": DenseConfig(()),
            "decoder": DenseConfig(()),
        },
        29_033,
    ),
    "dense 256": (
        {"latent_dim": 2, "encoder": DenseConfig((256,)), "decoder": DenseConfig((256,))},
        404_244,
    ),
    "conv 32, 64": (
        {
            "latent_dim": 16,
            "encoder": ConvConfig((32, 64), widths=(32,), dropout=0.25),
            "decoder": ConvConfig((64, 32), dropout=0.25),
        },
        229_249,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_parameter_counts(name):
    values, expected = PUBLISHED[name]
    config = VAEConfig(image_shape=(28, 28, 1), **values)
    assert count_parameters(config) == expected
    assert build_vae(config).num_parameters == expected


def test_counting_a_huge_model_allocates_nothing():
    config = VAEConfig((512, 512, 3), 10_000, encoder=DenseConfig((10**6,)))
    assert count_parameters(config) > 10**11


@pytest.mark.parametrize("make", [build_vae, count_parameters])
def test_layers_that_leave_no_pixel_are_refused_with_the_layer(make):
    encoder = ConvConfig((4, 4, 4), (3,), (2,), padding="valid")
    config = VAEConfig((8, 8, 1), 2, encoder=encoder)
    message = "layer 3 applies a 3 x 3 window to 1 x 1 pixels"
    with pytest.raises(ValueError, match=re.escape(message)):
        make(config)
