import numpy as np
import pytest
from scipy.stats import multivariate_normal

from vaemodels.building import build
from vaemodels.config import DenseConfig, VAEConfig
from vaemodels.noise import base_noise

LINEAR = {"encoder": DenseConfig(()), "decoder": DenseConfig(())}
SMALL = {"encoder": DenseConfig((6,)), "decoder": DenseConfig((6,))}
IMAGES = base_noise("uniform", 0, 5, 64).reshape(5, 8, 8, 1)


def inverse_soft_bound(y):
    return 10 * (np.arctanh((y + 2) / 10) - np.arctanh(2 / 10))


def linear_gaussian(seed, exact_posterior):
    """Returns a model x = W z + b + noise on 2 x 2 images, and its exact log p(x) of one image."""
    config = VAEConfig(
        (2, 2, 1), 2, likelihood="gaussian", variance=0.1, standardize=(0.0, 1.0), **LINEAR
    )
    vae = build(config, seed)
    rng = np.random.default_rng(seed)
    w = np.linalg.qr(rng.normal(size=(4, 2)))[0].T * [[0.9], [0.4]]  # orthogonal rows: the exact
    b = rng.uniform(size=4)  # posterior has independent dimensions
    vae.decoder.stack[0].set_weights([w, b])
    if exact_posterior:
        precision = np.diag(w @ w.T) / 0.1 + 1
        mean = (w.T / 0.1) / precision
        kernel = np.hstack([mean, np.zeros((4, 2))])
        bias = np.concatenate([-b @ mean, inverse_soft_bound(-np.log(precision))])
        vae.posterior.head.set_weights([kernel, bias])
    image = rng.uniform(size=4)
    exact = multivariate_normal(b, w.T @ w + 0.1 * np.eye(4)).logpdf(image)
    return vae, image.reshape(1, 2, 2, 1).astype("float32"), exact


def elbo_of(vae, image, count=20_000):
    images = np.repeat(image, count, axis=0)
    noise = base_noise("normal", 1, count, 2)
    return float(vae.losses(images, noise, 1.0)["elbo"])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_elbo_never_exceeds_the_exact_likelihood(seed):
    vae, image, exact = linear_gaussian(seed, exact_posterior=False)
    assert elbo_of(vae, image) < exact


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_elbo_of_the_exact_posterior_is_the_likelihood(seed):
    vae, image, exact = linear_gaussian(seed, exact_posterior=True)
    assert elbo_of(vae, image) == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize("beta", [0.0, 0.5, 3.0])
def test_terms_add_up(beta):
    vae = build(VAEConfig((8, 8, 1), 3, beta=beta, **SMALL))
    terms = vae.losses(IMAGES, base_noise("normal", 0, 5, 3), beta)
    values = {name: float(value) for name, value in terms.items()}
    assert values["beta_kl_loss"] == pytest.approx(beta * values["kl_loss"])
    assert values["loss"] == pytest.approx(values["reconstruction_loss"] + values["beta_kl_loss"])
    assert values["elbo"] == pytest.approx(-values["reconstruction_loss"] - values["kl_loss"])


def test_beta_zero_keeps_the_sampling_noise_and_an_autoencoder_has_none():
    variational = build(VAEConfig((8, 8, 1), 3, beta=0.0, **SMALL))
    first, second = (
        float(variational.losses(IMAGES, base_noise("normal", seed, 5, 3), 0.0)["loss"])
        for seed in (0, 1)
    )
    assert first != second
    assert build(VAEConfig((8, 8, 1), 3, "ae", **SMALL)).posterior.noise_width == 0


def test_what_an_autoencoder_lacks_is_absent():
    vae = build(VAEConfig((8, 8, 1), 3, "ae", **SMALL))
    terms = vae.losses(IMAGES, np.zeros((5, 0), "float32"), 1.0)
    assert set(terms) == {"loss", "reconstruction_loss"}


def test_images_come_back_on_the_pixel_scale():
    config = VAEConfig((8, 8, 1), 3, likelihood="gaussian", standardize=(0.1307, 0.3081), **SMALL)
    vae = build(config)
    images = np.asarray(vae.decode(30 * base_noise("normal", 0, 5, 3)))
    assert images.min() == 0
    assert images.max() == 1
    np.testing.assert_array_equal(vae.reconstruct(IMAGES), vae.decode(vae.encode(IMAGES)))


def test_the_density_is_over_standardised_pixels():
    config = VAEConfig(
        (2, 2, 1), 2, likelihood="gaussian", variance=0.125, standardize=(0.1, 0.5), **LINEAR
    )
    outputs = base_noise("normal", 0, 3, 4).reshape(3, 2, 2, 1)
    images = base_noise("uniform", 0, 3, 4).reshape(3, 2, 2, 1)
    squares = np.sum(((images - 0.1) / 0.5 - outputs) ** 2, axis=(1, 2, 3))
    expected = -squares / 0.25 - 2 * np.log(2 * np.pi * 0.125)
    result = build(config).likelihood.log_prob(outputs, images)
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_free_bits_charge_at_least_so_much_and_report_the_true_divergence():
    plain, charged = (
        build(VAEConfig((8, 8, 1), 3, free_bits=bits, **SMALL)) for bits in (0.0, 5.0)
    )
    noise = base_noise("normal", 0, 5, 3)
    a, b = (vae.losses(IMAGES, noise, 2.0) for vae in (plain, charged))
    assert float(b["kl_loss"]) == pytest.approx(float(a["kl_loss"]))
    assert float(a["kl_loss"]) < 5
    assert float(b["loss"]) == pytest.approx(float(b["reconstruction_loss"]) + 2 * 3 * 5.0)


def test_a_regularised_autoencoder_adds_a_penalty_and_its_decoders_squares():
    vae = build(VAEConfig((8, 8, 1), 3, "rae", beta=0.5, decoder_l2=0.1, **SMALL))
    terms = vae.losses(IMAGES, np.zeros((5, 0), "float32"), 0.5)
    values = {name: float(value) for name, value in terms.items()}
    assert set(values) == {"loss", "reconstruction_loss", "penalty_loss", "beta_penalty_loss"}
    codes = np.asarray(vae.encode(IMAGES))
    assert values["penalty_loss"] == pytest.approx(0.5 * (codes**2).sum(axis=1).mean(), rel=1e-5)
    kernels = [w for w in map(np.asarray, vae.decoder.weights) if w.ndim > 1]
    squares = 0.1 * sum((kernel**2).sum() for kernel in kernels)
    expected = values["reconstruction_loss"] + values["beta_penalty_loss"] + squares
    assert values["loss"] == pytest.approx(expected, rel=1e-5)
