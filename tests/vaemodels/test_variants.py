"""Every variant as a whole: it learns, and its training can be stopped, compiled and repeated."""

import io

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from vaemodels import Trainer, TrainingConfig, VAEConfig, count_parameters
from vaemodels.config import VARIANTS, DenseConfig
from vaemodels.noise import base_noise

LAYERS = {"encoder": DenseConfig((64,)), "decoder": DenseConfig((64,))}
OTHERS = [
    {"variant": "vae", "prior": "beta_sticks"},  # logit-normal sticks
    {"variant": "sbvae", "prior": "vamp"},
    {"variant": "sbvae", "prior": "gaussian_mixture"},
    {"variant": "dirvae_gamma", "prior": "vamp"},
    {"variant": "dirvae", "free_bits": 0.1},
]
ALL = [*({"variant": name} for name in VARIANTS), *OTHERS]


@pytest.fixture(scope="module")
def digits():
    return (load_digits().images / 16).astype("float32")[..., None]


def make(settings, images, **training):
    config = VAEConfig((8, 8, 1), 10, **{"num_components": 4, **settings}, **LAYERS)
    defaults = {"epochs": 4, "batch_size": 64, "learning_rate": 3e-3}
    return Trainer(config, TrainingConfig(**{**defaults, **training}), images, 1.0)


def state_of(trainer):
    file = io.BytesIO()
    trainer.save(file)
    return file.getvalue()


def label(settings):
    return "-".join(map(str, settings.values()))


@pytest.mark.parametrize("settings", ALL, ids=label)
def test_a_restored_training_goes_on_bit_for_bit(settings, digits):
    """Also where a prior starts anew after the first epoch."""
    whole, first = make(settings, digits[:200]), make(settings, digits[:200])
    results = [whole.run_epoch() for _ in range(3)]
    first.run_epoch()
    second = make(settings, digits[:200])
    second.restore(io.BytesIO(state_of(first)))
    assert [second.run_epoch(), second.run_epoch()] == results[1:]
    assert np.isfinite(results[-1]["loss"])
    assert whole.vae.num_parameters == count_parameters(whole.vae.config)


@pytest.mark.parametrize("settings", ALL, ids=label)
def test_eager_and_compiled_losses_agree_on_the_hosts_noise(settings, digits):
    trainer = make(settings, digits[:100])
    compiled = trainer.evaluate(digits[:100], 1.0, seed=3)
    tf.config.run_functions_eagerly(True)
    try:
        eager = make(settings, digits[:100]).evaluate(digits[:100], 1.0, seed=3)
    finally:
        tf.config.run_functions_eagerly(False)
    assert eager == pytest.approx(compiled, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("settings", ALL, ids=label)
def test_every_variant_generates_from_its_own_sampler(settings, digits):
    trainer = make(settings, digits[:200])
    trainer.run_epoch()
    sampler = trainer.latent_sampler()
    images = trainer.generate(base_noise("normal", 1, 20, sampler.noise_width), sampler)
    assert images.shape == (20, 8, 8, 1)
    assert 0 <= images.min() <= images.max() <= 1


@pytest.mark.parametrize("settings", ALL, ids=label)
def test_every_variant_is_rebuilt_from_the_means_of_its_evaluation(settings, digits):
    trainer = make(settings, digits[:200])
    expected = np.asarray(trainer.vae.reconstruct(digits[:20]))
    means = trainer.evaluate_with_means(digits[:20], 1.0)[1]
    for found in (
        trainer.inference.reconstruct(digits[:20]),
        trainer.inference.reconstruct_from(means),
    ):
        assert np.allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "legacy_sbvae"])
def test_every_variant_learns_from_its_images(variant, digits):
    """Reconstructions are far better than the mean image, and codes differ between images."""
    settings = {"variant": variant, "beta": 1e-3 if variant == "rae" else 0.2}
    trainer = make(settings, digits, epochs=30)
    for _ in range(30):
        trainer.run_epoch()
    errors = np.square(trainer.inference.reconstruct(digits) - digits).sum(axis=(1, 2, 3)).mean()
    variance = digits.var(axis=0).sum()
    assert errors < 0.75 * variance
    assert trainer.inference.encode(digits).std(axis=0).max() > 0.02


def test_the_legacy_preset_cannot_learn_where_its_units_start_small(digits):
    """A deep encoder's last pre-activations stay under the floor: no gradient, a constant KL."""
    deep = DenseConfig((25,) * 8)
    config = VAEConfig((8, 8, 1), 5, "legacy_sbvae", encoder=deep, decoder=DenseConfig((25,)))
    trainer = Trainer(config, TrainingConfig(3, 64, 1e-4), digits, 1.0)
    for _ in range(3):
        assert trainer.run_epoch()["kl_loss"] == pytest.approx(10.13463, abs=1e-4)
    assert np.ptp(trainer.inference.encode(digits), axis=0).max() == 0
