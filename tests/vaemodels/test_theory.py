"""Whole models against what theory says of them."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import dirichlet

from vaemodels import Trainer, TrainingConfig, VAEConfig, build
from vaemodels.config import DenseConfig
from vaemodels.inference import Inference
from vaemodels.metrics.collapse import collapse_report
from vaemodels.metrics.latent_space import active_units
from vaemodels.noise import base_noise

LINEAR = {"encoder": DenseConfig(()), "decoder": DenseConfig(())}


def ppca_images(eigenvalues, noise_variance, num_images=3000):
    """Returns 4 x 4 images with these principal variances on top of equal noise."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(16, len(eigenvalues))))[0].T
    codes = rng.normal(size=(num_images, len(eigenvalues))) * np.sqrt(eigenvalues)
    noise = rng.normal(size=(num_images, 16)) * np.sqrt(noise_variance)
    return (codes @ directions + noise).astype("float32").reshape(-1, 4, 4, 1)


def ppca_optimum(images, num_latents):
    """Returns the best mean negative log-likelihood of probabilistic PCA, in nats per image.

    Tipping & Bishop, 1999, https://doi.org/10.1111/1467-9868.00196
    """
    covariance = np.cov(images.reshape(len(images), -1), rowvar=False, ddof=0)
    values = np.sort(np.linalg.eigvalsh(covariance))[::-1]
    rest = values[num_latents:].mean()
    log_det = np.log(values[:num_latents]).sum() + (len(values) - num_latents) * np.log(rest)
    return 0.5 * (log_det + len(values) * (1 + np.log(2 * np.pi)))


def test_a_linear_sigma_vae_reaches_the_likelihood_of_probabilistic_pca():
    """Lucas et al., 2019, https://arxiv.org/abs/1911.02469: its ELBO is exact at the optimum."""
    images = ppca_images([4.0, 1.0, 0.3], 0.05)
    config = VAEConfig(
        (4, 4, 1), 3, likelihood="gaussian", variance="learned", standardize=(0.0, 1.0), **LINEAR
    )
    trainer = Trainer(config, TrainingConfig(120, 100, 0.01), images)
    losses = [trainer.run_epoch()["loss"] for _ in range(120)]
    best = ppca_optimum(images, 3)
    assert min(losses[-20:]) > best - 0.05  # the noise of its draws
    assert np.mean(losses[-20:]) == pytest.approx(best, rel=0.01, abs=0.1)


def test_a_latent_is_active_if_its_principal_variance_exceeds_the_pixel_variance():
    images = ppca_images([4.0, 1.0, 0.3, 0.02], 0.05)
    config = VAEConfig(
        (4, 4, 1), 6, likelihood="gaussian", variance=0.2, standardize=(0.0, 1.0), **LINEAR
    )
    trainer = Trainer(config, TrainingConfig(120, 100, 0.01), images)
    for _ in range(120):
        trainer.run_epoch()
    covariance = np.cov(images.reshape(len(images), -1), rowvar=False)
    expected = int((np.linalg.eigvalsh(covariance) > 0.2).sum())
    assert expected == 3
    assert active_units(trainer.inference.means(images)) == expected


def test_softmax_and_gamma_dirichlet_draws_have_the_moments_they_should():
    """At concentration 0.98 of 50 the softmax of normals is known to be wider than Dirichlet."""
    spread = {}
    for variant in ("dirvae", "dirvae_gamma"):
        vae = build(VAEConfig((8, 8, 1), 50, variant, concentration=0.98, **LINEAR))
        sampler = Inference(vae).latent_sampler(np.zeros((2, 8, 8, 1), "float32"))
        z = sampler.draw(base_noise("normal", 0, 10_000, sampler.noise_width))
        np.testing.assert_allclose(z.mean(axis=0), 0.02, atol=0.002)
        spread[variant] = z.var(axis=0).mean()
    exact = dirichlet(np.full(50, 0.98)).var()[0]
    assert exact == pytest.approx(0.02 * 0.98 / 50)
    assert spread["dirvae_gamma"] == pytest.approx(exact, rel=0.03)
    weights = np.exp(np.random.default_rng(0).normal(size=(50_000, 50)))
    softmax = weights / weights.sum(axis=1, keepdims=True)
    assert spread["dirvae"] == pytest.approx(softmax.var(axis=0).mean(), rel=0.03)
    assert spread["dirvae"] > 1.3 * exact


@pytest.mark.parametrize("variant", ["vae", "sbvae", "dirvae", "dirvae_gamma"])
def test_draws_are_the_same_eager_compiled_and_under_xla(variant):
    vae = build(VAEConfig((8, 8, 1), 5, variant, encoder=DenseConfig((9,))))
    images = base_noise("uniform", 0, 7, 64).reshape(7, 8, 8, 1)
    noise = base_noise(vae.posterior.noise_kind, 1, 7, vae.posterior.noise_width)

    def draw(x, e):
        return vae.link(vae.posterior.sample(vae.parameters(x), e))

    eager = np.asarray(draw(images, noise))
    for jit in (None, True):
        compiled = tf.function(draw, jit_compile=jit)(images, noise)
        np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-5)


def test_the_alarm_goes_off_for_the_legacy_preset_and_not_for_its_cure():
    from sklearn.datasets import load_digits

    digits = (load_digits().images / 16).astype("float32")[..., None]
    deep = {"encoder": DenseConfig((25,) * 6), "decoder": DenseConfig((64,))}
    alarms = {}
    for variant in ("legacy_sbvae", "sbvae"):
        config = VAEConfig((8, 8, 1), 5, variant, beta=0.2, **deep)
        trainer = Trainer(config, TrainingConfig(60, 64, 5e-3), digits)
        for _ in range(60):
            trainer.run_epoch()
        rebuilt = trainer.inference.reconstruct(digits)
        errors = np.square(rebuilt - digits).sum(axis=(1, 2, 3))
        alarms[variant] = collapse_report(trainer.inference.encode(digits), errors, digits).alarms
    assert any("no better than the mean image" in alarm for alarm in alarms["legacy_sbvae"])
    assert any("ignores the image" in alarm for alarm in alarms["legacy_sbvae"])
    assert alarms["sbvae"] == ()
