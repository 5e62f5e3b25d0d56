"""Listed and recurrent backbones in a training: compiled, stopped and continued, saved."""

import io

import numpy as np
import pytest
import tensorflow as tf

from tests.contracts.backbone_contract import images_of
from vaemodels.config import HybridConfig, RecurrentConfig, TrainingConfig, VAEConfig
from vaemodels.config.layers import (
    ConvLayer,
    ConvTransposeLayer,
    DenseLayer,
    DropoutLayer,
    MaxPoolLayer,
    ReshapeLayer,
)
from vaemodels.io import load, save
from vaemodels.training import Trainer

HYBRID = VAEConfig(
    (8, 8, 1),
    2,
    encoder=HybridConfig((ConvLayer(4), MaxPoolLayer(), DropoutLayer(0.2), DenseLayer(8))),
    decoder=HybridConfig(
        (DenseLayer(32), ReshapeLayer((4, 4, 2)), ConvTransposeLayer(3, stride=2), ConvLayer(1))
    ),
)
RECURRENT = VAEConfig(
    (8, 8, 1),
    2,
    encoder=RecurrentConfig("lstm", (8, 6), dropout=0.2),
    decoder=RecurrentConfig("gru", (8,)),
)
CONFIGS = pytest.mark.parametrize("config", [HYBRID, RECURRENT], ids=["hybrid", "recurrent"])


def make(config):
    return Trainer(config, TrainingConfig(4, batch_size=16), images_of((8, 8, 1), 64), scale=1)


@CONFIGS
def test_eager_and_compiled_training_agree(config):
    compiled, eager = make(config), make(config)
    expected = compiled.run_epoch()
    tf.config.run_functions_eagerly(True)
    try:
        assert eager.run_epoch() == pytest.approx(expected, rel=1e-5)
    finally:
        tf.config.run_functions_eagerly(False)


@CONFIGS
def test_a_training_stopped_and_continued_equals_a_whole_one(config):
    whole, first, second = make(config), make(config), make(config)
    expected = [whole.run_epoch() for _ in range(2)]
    file = io.BytesIO()
    assert first.run_epoch() == expected[0]
    first.save(file)
    file.seek(0)
    second.restore(file)
    assert second.run_epoch() == expected[1]


@CONFIGS
def test_training_lowers_the_loss(config):
    training = make(config)
    losses = [training.run_epoch()["loss"] for _ in range(4)]
    assert losses[-1] < losses[0]


@CONFIGS
def test_a_saved_model_reconstructs_as_before(config, tmp_path):
    vae = make(config).vae
    save(vae, tmp_path)
    images = images_of((8, 8, 1))
    np.testing.assert_array_equal(load(tmp_path).reconstruct(images), vae.reconstruct(images))
