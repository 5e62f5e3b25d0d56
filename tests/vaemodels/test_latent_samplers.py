"""Latent samplers: deterministic maps from noise that follow the codes they were fitted to."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from vaemodels.building import build
from vaemodels.config import DenseConfig, LatentSamplerConfig, VAEConfig
from vaemodels.inference import Inference
from vaemodels.latents import (
    CopulaLatentSampler,
    FittedSampler,
    GaussianLatentSampler,
    GaussianMixtureLatentSampler,
    PriorLatentSampler,
)
from vaemodels.noise import base_noise

SMALL = {"encoder": DenseConfig((6,)), "decoder": DenseConfig((6,))}
IMAGES = base_noise("uniform", 0, 40, 64).reshape(40, 8, 8, 1)
EX_POST = [GaussianLatentSampler, GaussianMixtureLatentSampler, CopulaLatentSampler]


def model(variant="vae", **settings):
    return build(VAEConfig((8, 8, 1), 3, variant, **SMALL, **settings))


def correlated(num_images=5000):
    mixing = np.array([[1, 2, 0], [0, 1, 1], [0, 0, 3.0]])
    return (base_noise("normal", 0, num_images, 3) @ mixing + 5).astype("float32")


@pytest.mark.parametrize("sampler", EX_POST)
@pytest.mark.parametrize("dead", [False, True])
def test_draws_follow_mean_and_covariance(sampler, dead):
    codes = correlated()
    codes[:, 2] *= not dead
    fitted = sampler(codes)
    draws = fitted.draw(base_noise("normal", 1, 20_000, fitted.noise_width))
    np.testing.assert_allclose(draws.mean(axis=0), codes.mean(axis=0), atol=0.15)
    np.testing.assert_allclose(np.cov(draws.T), np.cov(codes.T), atol=0.4)


def test_a_mixture_finds_separate_clusters_and_their_shares():
    codes = base_noise("normal", 0, 4000, 2) * 0.1
    codes[:1000] += 5
    fitted = GaussianMixtureLatentSampler(codes, num_components=2)
    draws = fitted.draw(base_noise("normal", 1, 20_000, fitted.noise_width))
    assert np.mean(draws[:, 0] > 2.5) == pytest.approx(0.25, abs=0.01)
    assert np.abs(draws[:, 0] - 2.5).min() > 1  # nothing between the clusters


def test_a_copula_keeps_margins_and_dependence():
    codes = np.exp(correlated() / 4)  # skewed margins that no normal has
    draws = CopulaLatentSampler(codes).draw(base_noise("normal", 1, 20_000, 3))
    levels = np.linspace(0.02, 0.98, 9)
    np.testing.assert_allclose(
        np.quantile(draws, levels, axis=0), np.quantile(codes, levels, axis=0), rtol=0.06
    )
    np.testing.assert_allclose(spearmanr(draws)[0], spearmanr(codes)[0], atol=0.03)
    assert draws.min() >= codes.min()


@pytest.mark.parametrize("sampler", EX_POST)
@pytest.mark.parametrize("codes", [np.zeros((1, 2)), np.full((50, 2), np.nan), np.zeros(50)])
def test_impossible_codes_are_refused(sampler, codes):
    with pytest.raises(ValueError, match="Invalid value for `codes`"):
        sampler(codes)


def test_equal_codes_are_drawn_again():
    """What a collapsed model has; a sampler must not hide it behind an error."""
    codes = np.full((50, 2), 3.0, "float32")
    for sampler in EX_POST:
        fitted = sampler(codes)
        draws = fitted.draw(base_noise("normal", 1, 20, fitted.noise_width))
        np.testing.assert_allclose(draws, 3.0, atol=0.02)


def test_the_prior_of_a_vae_gives_the_noise_itself_and_an_autoencoder_too():
    noise = base_noise("normal", 0, 9, 3)
    for variant in ("vae", "ae"):
        np.testing.assert_allclose(PriorLatentSampler(model(variant)).draw(noise), noise)


@pytest.mark.parametrize("kind", ["prior", "gaussian", "gaussian_mixture", "copula"])
@pytest.mark.parametrize("variant", ["sbvae", "dirvae", "dirvae_gamma"])
def test_weights_on_a_simplex_stay_there(variant, kind):
    vae = model(variant)
    sampler = Inference(vae).latent_sampler(IMAGES, config=LatentSamplerConfig(kind))
    z = sampler.draw(base_noise("normal", 1, 200, sampler.noise_width))
    assert z.shape == (200, 3)
    assert z.min() >= 0
    np.testing.assert_allclose(z.sum(axis=1), 1.0, rtol=1e-5)


def test_scale_and_shift_are_applied_to_the_draw():
    vae = model()
    noise = base_noise("normal", 0, 9, 3)
    plain = FittedSampler(LatentSamplerConfig(), vae, None).draw(noise)
    moved = FittedSampler(LatentSamplerConfig(scale=100, shift=2), vae, None).draw(noise)
    np.testing.assert_allclose(moved, 100 * plain + 2, rtol=1e-6)


def test_a_simplex_is_not_scaled():
    with pytest.raises(ValueError, match=r"'prior\*100'.*'sbvae' are weights that sum to 1"):
        FittedSampler(LatentSamplerConfig(scale=100), model("sbvae"), None)


def test_codes_are_needed_where_a_density_is_fitted():
    with pytest.raises(ValueError, match="codes of training images for 'copula'"):
        FittedSampler(LatentSamplerConfig("copula"), model(), None)


@pytest.mark.parametrize(
    "text",
    [
        "prior",
        "gaussian",
        "prior*100",
        "prior+2",
        "copula*1.5-0.25",
        "gaussian_mixture",
        "prior*2.066616185131782",
    ],
)
def test_text_round_trip(text):
    assert str(LatentSamplerConfig.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "normal", "prior*", "prior*-2", "prior**2", "prior+x", "prior*1.2.3", 3]
)
def test_unknown_text_is_refused(text):
    with pytest.raises(ValueError, match="Invalid value for"):
        LatentSamplerConfig.parse(text)
