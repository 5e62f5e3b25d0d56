import re

import numpy as np
import pytest

from tests.contracts.backbone_contract import BackboneContract, images_of
from vaemodels.building import build
from vaemodels.config import ConvConfig, DenseConfig, RecurrentConfig, VAEConfig
from vaemodels.counts import count_parameters
from vaemodels.training.compiled import pays_to_compile


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


class TestRecurrent(BackboneContract):
    @pytest.fixture(params=["gru", "lstm"])
    def encoder(self, request):
        return RecurrentConfig(request.param, (5, 4), dropout=0.25)

    @pytest.fixture
    def decoder(self, encoder):
        return RecurrentConfig(encoder.cell, (6,), activation="softplus")


def test_a_recurrent_encoder_reads_the_rows_in_order():
    config = VAEConfig((8, 6, 1), 2, encoder=RecurrentConfig(units=(5,)))
    images = images_of((8, 6, 1))
    vae = build(config)
    assert not np.allclose(vae.encode(images), vae.encode(images[:, ::-1]), atol=1e-4)


def test_a_recurrent_decoder_knows_the_row_from_its_state_alone():
    """With `z` repeated, all rows share their weights: a taller image has no more of them."""
    counts = {
        count_parameters(VAEConfig((height, 6, 1), 2, encoder=cell, decoder=cell))
        for height in (2, 50)
        for cell in [RecurrentConfig(units=(5,))]
    }
    assert len(counts) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cell": "rnn"}, "`cell`. Expected one of 'gru', 'lstm'."),
        ({"units": ()}, "`units`. Expected a non-empty tuple of integers >= 1."),
        ({"units": 128}, "`units`. Expected a non-empty tuple of integers >= 1."),
        ({"dropout": 1}, "`dropout`. Expected a number from 0 to below 1."),
        ({"activation": "swoosh"}, "`activation`. Expected one of 'elu'"),
        ({"kernels": 3}, "Invalid key for `RecurrentConfig`"),
    ],
)
def test_wrong_recurrent_backbones_are_refused(values, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RecurrentConfig.from_json({"kind": "recurrent", **values})


def test_recurrent_backbones_do_not_pay_to_compile():
    config = VAEConfig((4, 4, 1), 2, encoder=RecurrentConfig(units=(5,)))
    assert not pays_to_compile(config, 10**6)


def test_counting_a_huge_model_allocates_nothing():
    config = VAEConfig((512, 512, 3), 10_000, encoder=DenseConfig((10**6,)))
    assert count_parameters(config) > 10**11


@pytest.mark.parametrize("make", [build, count_parameters])
def test_layers_that_leave_no_pixel_are_refused_with_the_layer(make):
    encoder = ConvConfig((4, 4, 4), (3,), (2,), padding="valid")
    config = VAEConfig((8, 8, 1), 2, encoder=encoder)
    message = "layer 3 applies a 3 x 3 window to 1 x 1 pixels"
    with pytest.raises(ValueError, match=re.escape(message)):
        make(config)
