"""Functional Keras models of stock layers: they compute what the model does, in any process."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from vaemodels import ConvConfig, DenseConfig, HybridConfig, RecurrentConfig, VAEConfig, build
from vaemodels.config import VARIANTS
from vaemodels.config.layers import DenseLayer
from vaemodels.functional import functional_decoder, functional_encoder
from vaemodels.special import lgamma

SHAPE = (8, 8, 1)
BACKBONES = {
    "dense": DenseConfig((12,), dropout=0.2),
    "conv": ConvConfig(filters=(4, 8)),
    "recurrent": RecurrentConfig(),
    "hybrid": HybridConfig((DenseLayer(6), DenseLayer(64))),
}
LOADED = """
import sys

class Blocked:
    def find_spec(self, name, *_):
        assert name.partition(".")[0] not in ("search", "vaemodels"), f"{name} was imported"

sys.meta_path.insert(0, Blocked())
import keras, numpy as np

for name in sys.argv[1:]:
    known = np.load(name + ".npz")
    for part in ("encoder", "decoder"):
        model = keras.models.load_model(f"{name}-{part}.keras")
        np.testing.assert_allclose(model(known[part + "_in"]), known[part + "_out"], atol=1e-5)
"""


def trained(**changes):
    """Returns a model whose weights are not those of a start, where heads are zero."""
    vae = build(VAEConfig(SHAPE, 5, **changes))
    rng = np.random.default_rng(0)
    for weight in vae.trainable_variables:
        weight.assign(weight + 0.2 * rng.standard_normal(weight.shape))
    return vae


def images():
    return np.random.default_rng(1).random((4, *SHAPE)).astype("float32")


def assert_same(vae):
    encoder, decoder = functional_encoder(vae), functional_decoder(vae)
    codes = np.asarray(encoder(images()))
    np.testing.assert_allclose(codes, vae.encode(images()), atol=1e-5)
    np.testing.assert_allclose(decoder(codes), vae.decode(codes), atol=1e-5)
    for layer in (*encoder.layers, *decoder.layers):
        assert type(layer).__module__.startswith("keras."), layer


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_computes_what_the_model_does(variant):
    assert_same(trained(variant=variant))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_computes_what_the_model_does(backbone):
    config = BACKBONES[backbone]
    assert_same(trained(encoder=config, decoder=config, standardize=(0.3, 0.5)))


def test_a_process_without_our_packages_loads_them(tmp_path):
    names = []
    for variant, backbone in (("sbvae", "dense"), ("gmvae", "conv")):
        config = BACKBONES[backbone]
        vae = trained(variant=variant, encoder=config, decoder=config)
        encoder, decoder = functional_encoder(vae), functional_decoder(vae)
        codes = np.asarray(vae.encode(images()))
        names.append(str(tmp_path / variant))
        encoder.save(f"{names[-1]}-encoder.keras")
        decoder.save(f"{names[-1]}-decoder.keras")
        seen = {"encoder_in": images(), "encoder_out": codes, "decoder_in": codes}
        np.savez(f"{names[-1]}.npz", **seen, decoder_out=np.asarray(vae.decode(codes)))
    subprocess.run([sys.executable, "-c", LOADED, *names], check=True, timeout=300, cwd=tmp_path)


def test_the_gamma_function_in_a_graph_is_that_of_tensorflow():
    x = np.concatenate([np.geomspace(1e-6, 1.0, 200), np.linspace(1.0, 500.0, 400)])[:, None]
    symbol = keras.Input((1,), dtype="float64")
    model = keras.Model(symbol, lgamma(symbol))
    np.testing.assert_allclose(model(x), lgamma(x), rtol=1e-9, atol=1e-9)
