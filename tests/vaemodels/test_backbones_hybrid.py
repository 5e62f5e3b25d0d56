import math
import re

import keras
import numpy as np
import pytest

from tests.contracts.backbone_contract import BackboneContract
from vaemodels.building import build
from vaemodels.config import DenseConfig, HybridConfig, VAEConfig
from vaemodels.config.layers import (
    AveragePoolLayer,
    ConvLayer,
    ConvTransposeLayer,
    DenseLayer,
    DropoutLayer,
    MaxPoolLayer,
    ReshapeLayer,
    UpSampleLayer,
)
from vaemodels.config.plain import ACTIVATIONS
from vaemodels.counts import count_parameters
from vaemodels.encoders import HybridEncoder
from vaemodels.layers import activation_function
from vaemodels.training.compiled import pays_to_compile

ENCODERS = {
    "nothing": (),
    "dense": (DenseLayer(7, "tanh"), DropoutLayer(0.2), DenseLayer(5, batch_norm=True)),
    "convolutions alone": (ConvLayer(4, 3, 2), ConvLayer(5, 2, padding="valid")),
    "all of them": (
        ConvLayer(4, 5, batch_norm=True),
        MaxPoolLayer(3, 2, "same"),
        UpSampleLayer(),
        AveragePoolLayer(2, 1),
        DenseLayer(24, "elu"),
        ReshapeLayer((3, 4, -1)),
        ConvTransposeLayer(3, 3, 2, "valid", "leaky_relu_0.3"),
        DropoutLayer(0.1),
        DenseLayer(6),
    ),
}


def decoder_to(shape):
    """Returns a decoder with both directions of convolution that ends in a dense layer."""
    return (
        DenseLayer(12),
        ReshapeLayer((2, 2, -1)),
        ConvTransposeLayer(4, 3, 2, batch_norm=True),
        UpSampleLayer(),
        ConvLayer(3, 3, padding="valid"),
        DropoutLayer(0.1),
        DenseLayer(math.prod(shape)),
    )


class TestHybrid(BackboneContract):
    @pytest.fixture(params=ENCODERS)
    def make_config(self, request):
        encoder = HybridConfig(ENCODERS[request.param], "leaky_relu")
        return lambda shape: VAEConfig(
            shape, 3, encoder=encoder, decoder=HybridConfig(decoder_to(shape), "leaky_relu")
        )


def test_layers_may_be_given_as_plain_values():
    values = [
        {"layer": "conv", "filters": 32, "kernel_size": 5, "stride": 2, "padding": "valid"},
        {"layer": "max_pool", "size": 3, "stride": 1},
        {"layer": "dense", "units": 10, "activation": "tanh"},
        {"layer": "reshape", "shape": [1, 2, 5]},
        {"layer": "up_sample", "size": 2},
        {"layer": "dropout", "rate": 0.5},
        {"layer": "conv_transpose", "filters": 3},
        {"layer": "average_pool"},
    ]
    assert HybridConfig(values).layers == (
        ConvLayer(32, 5, 2, "valid"),
        MaxPoolLayer(3, 1),
        DenseLayer(10, "tanh"),
        ReshapeLayer((1, 2, 5)),
        UpSampleLayer(2),
        DropoutLayer(0.5),
        ConvTransposeLayer(3),
        AveragePoolLayer(),
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"layer": "dense", "units": -3}, "`units`. Expected an integer >= 1. Received: units=-3."),
        ({"layer": "dense", "units": True}, "Received: units=True."),
        ({"layer": "dense"}, "Expected a value for `units`."),
        ({"layer": "dense", "units": 3, "width": 3}, "Invalid key for `DenseLayer`"),
        ({"layer": "dense", "units": 3, "activation": "swoosh"}, "`activation`. Expected one of"),
        ({"layer": "dense", "units": 3, "batch_norm": "yes"}, "`batch_norm`. Expected one of"),
        ({"layer": "conv", "filters": 0}, "`filters`. Expected an integer >= 1."),
        ({"layer": "conv", "filters": 1, "kernel_size": (3, 3)}, "`kernel_size`."),
        ({"layer": "conv", "filters": 1, "stride": 0}, "`stride`. Expected an integer >= 1."),
        ({"layer": "conv", "filters": 1, "padding": "full"}, "Expected one of 'same', 'valid'."),
        ({"layer": "max_pool", "size": 0}, "`size`. Expected an integer >= 1."),
        ({"layer": "average_pool", "stride": 1.5}, "`stride`. Expected an integer >= 1."),
        ({"layer": "dropout", "rate": 1}, "`rate`. Expected a number from 0 to below 1."),
        ({"layer": "reshape", "shape": [2, 3]}, "`shape`. Expected (height, width, channels)"),
        ({"layer": "reshape", "shape": [-1, -1, 3]}, "`shape`. Expected (height, width, channels)"),
        ({"layer": "reshape", "shape": [0, 1, 3]}, "`shape`. Expected (height, width, channels)"),
        ({"layer": "gru"}, "Expected a mapping with a `layer` of 'dense', 'conv'"),
        ({"layer": ["dense"]}, "Expected a mapping with a `layer` of 'dense', 'conv'"),
        ("dense", "Expected a mapping with a `layer` of 'dense', 'conv'"),
    ],
)
def test_a_wrong_layer_is_refused_with_its_number(value, message):
    with pytest.raises(ValueError, match="Layer 2 of `layers`: .*" + re.escape(message)):
        HybridConfig([{"layer": "dense", "units": 3}, value])


@pytest.mark.parametrize("value", ["dense", None, {"layer": "dense", "units": 3}])
def test_layers_must_be_a_list(value):
    with pytest.raises(ValueError, match=re.escape("`layers`. Expected a tuple of layers")):
        HybridConfig(value)


@pytest.mark.parametrize("make", [build, count_parameters])
@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            (DenseLayer(9), ConvLayer(3)),
            "Layer 2 (conv) of `encoder`: Invalid value for `input`. Expected an image (height, "
            "width, channels). Received: input=(9,). Put a 'reshape' layer before it.",
        ),
        ((DenseLayer(9), MaxPoolLayer()), "Layer 2 (max_pool) of `encoder`"),
        ((DenseLayer(9), UpSampleLayer()), "Layer 2 (up_sample) of `encoder`"),
        (
            (DenseLayer(9), ReshapeLayer((2, 2, 2))),
            "Layer 2 (reshape) of `encoder`: Invalid value for `shape`. Expected a shape of the "
            "9 values of (9,). Received: shape=(2, 2, 2).",
        ),
        ((DenseLayer(9), ReshapeLayer((2, 2, -1))), "Received: shape=(2, 2, 2)."),
        (
            (ConvLayer(3), ConvLayer(3, 9, padding="valid")),
            "Layer 2 (conv) of `encoder`: Invalid value for `input`. Expected at least 9 x 9 "
            "pixels for a 9 x 9 window with padding='valid'. Received: input=(8, 8, 3).",
        ),
        ((ConvLayer(3, stride=9),), "Expected a longer side of at least 9 pixels for stride 9."),
        ((MaxPoolLayer(8), AveragePoolLayer(2)), "Layer 2 (average_pool) of `encoder`"),
    ],
)
def test_layers_that_do_not_fit_are_refused_with_their_number(make, layers, message):
    config = VAEConfig((8, 8, 1), 2, encoder=HybridConfig(layers))
    with pytest.raises(ValueError, match=re.escape(message)):
        make(config)


@pytest.mark.parametrize("make", [build, count_parameters])
@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "Expected a 'dense', 'conv' or 'conv_transpose' layer at the end."),
        ((DenseLayer(64), ReshapeLayer((8, 8, 1))), "layer at the end."),
        ((DenseLayer(64, "sigmoid"),), "Leave `activation` out of layer 1"),
        (
            (DenseLayer(16), ReshapeLayer((4, 4, 1)), ConvTransposeLayer(3, stride=2)),
            "Layer 3 (conv_transpose) of `decoder`: Invalid value for `output`. Expected (8, 8, 1) "
            "or (64,) after the last layer. Received: output=(8, 8, 3).",
        ),
        ((ConvTransposeLayer(1),), "Layer 1 (conv_transpose) of `decoder`"),
    ],
)
def test_a_decoder_that_yields_no_image_is_refused(make, layers, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make(VAEConfig((8, 8, 1), 2, decoder=HybridConfig(layers)))


def test_the_output_layer_is_linear_and_the_others_are_not():
    config = HybridConfig((DenseLayer(5), DenseLayer(64)), "relu")
    decoder = build(VAEConfig((8, 8, 1), 2, decoder=config)).decoder
    outputs = decoder(np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32))
    assert np.min(outputs) < 0
    encoder = HybridEncoder(config, (8, 8, 1))
    assert np.min(encoder(np.random.default_rng(0).normal(size=(50, 8, 8, 1)))) == 0


def test_listed_layers_start_and_work_as_a_dense_stack_does():
    stack = {"encoder": DenseConfig((9, 5)), "decoder": DenseConfig((5, 9))}
    listed = {
        "encoder": HybridConfig((DenseLayer(9), DenseLayer(5))),
        "decoder": HybridConfig((DenseLayer(5), DenseLayer(9), DenseLayer(64))),
    }
    first, second = (build(VAEConfig((8, 8, 1), 2, **halves)) for halves in (stack, listed))
    images = np.random.default_rng(0).random((3, 8, 8, 1)).astype(np.float32)
    np.testing.assert_array_equal(first.reconstruct(images), second.reconstruct(images))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_works_in_every_place(name):
    x = np.array([[-1.0, 0.0, 2.0]], np.float32)
    values = activation_function(name)(keras.ops.convert_to_tensor(x))
    assert np.all(np.isfinite(values))
    layers = (DenseLayer(4, name), DenseLayer(4, batch_norm=True), DenseLayer(64))
    assert build(VAEConfig((8, 8, 1), 2, decoder=HybridConfig(layers, name))).num_parameters


@pytest.mark.parametrize(("name", "slope"), [("leaky_relu", 0.2), ("leaky_relu_0.3", 0.3)])
def test_slopes_of_the_leaky_rectifiers(name, slope):
    values = activation_function(name)(keras.ops.convert_to_tensor([-1.0, 2.0]))
    np.testing.assert_allclose(values, [-slope, 2.0], rtol=1e-6)


def test_only_dense_lists_without_dropout_pay_to_compile():
    def pays(*layers):
        config = VAEConfig((4, 4, 1), 2, encoder=HybridConfig(layers))
        return pays_to_compile(config, 10**6)

    assert pays(DenseLayer(5), ReshapeLayer((5, 1, 1)))
    assert not pays(ConvLayer(5))
    assert not pays(MaxPoolLayer())
    assert not pays(DenseLayer(5), DropoutLayer(0.1))
