"""Chains of decoding and encoding, on maps whose limits are known."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from vaemodels import DenseConfig, VAEConfig, build
from vaemodels.analysis.fixed_point import run_chains
from vaemodels.analysis.fixed_point_report import write_animation
from vaemodels.analysis.likelihood_draws import draw_images, pixel_noise_kind
from vaemodels.likelihoods import BernoulliLikelihood, GaussianLikelihood
from vaemodels.noise import draw, generator

STARTS = np.array([[0.0, 0.1], [0.4, 0.3], [0.6, 0.9], [1.0, 0.8]], np.float32)


def autoencoder(change):
    """Returns an autoencoder whose images are its two latents, and whose encoder is `change`."""
    posterior = SimpleNamespace(noise_kind="normal", noise_width=0, sample=lambda p, noise: p)
    return SimpleNamespace(
        latent_dim=2,
        has_likelihood=False,
        config=SimpleNamespace(image_shape=(1, 2, 1)),
        decoder=lambda z, training: tf.reshape(z, (-1, 1, 2, 1)),
        likelihood=SimpleNamespace(mean=lambda outputs: outputs),
        parameters=lambda images: change(tf.reshape(images, (-1, 2))),
        posterior=posterior,
        link=lambda u: u,
    )


def test_a_map_that_halves_everything_contracts_by_half():
    chains = run_chains(autoencoder(lambda z: 0.5 * z), STARTS, iterations=6)
    np.testing.assert_allclose(chains.distances[1:] / chains.distances[:-1], 0.5, rtol=1e-5)
    assert chains.contraction == pytest.approx(0.5, rel=1e-5)
    assert chains.num_groups == 1
    assert chains.frames.shape == (7, 4, 1, 2, 1)
    np.testing.assert_array_equal(chains.frames[0].reshape(4, 2), np.rint(STARTS * 255))


def test_two_fixed_points_are_two_groups():
    chains = run_chains(autoencoder(lambda z: z + 0.5 * (tf.round(z) - z)), STARTS, iterations=20)
    assert chains.num_groups == 2
    assert chains.frames[-1].reshape(4, 2).tolist() == [[0, 0], [0, 0], [255, 255], [255, 255]]


def test_chains_that_stay_do_not_contract():
    chains = run_chains(autoencoder(lambda z: z), STARTS, iterations=3)
    assert (chains.contraction, chains.num_groups) == (1.0, 4)
    met = run_chains(autoencoder(lambda z: 0 * z), STARTS, iterations=3)
    assert (met.contraction, met.num_groups) == (0.0, 1)


def test_draws_repeat_with_the_seed_and_differ_without():
    config = VAEConfig((8, 8, 1), 3, encoder=DenseConfig((8,)), decoder=DenseConfig((8,)))
    vae, starts = build(config), np.zeros((5, 3), np.float32)
    first, again, other = (run_chains(vae, starts, 4, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.frames, again.frames)
    assert (first.frames != other.frames).any()
    assert (first.frames != run_chains(vae, starts, 4, pixels="mean", seed=1).frames).any()
    assert (first.frames[0] == first.frames[0, 0]).all()  # one start; only the draws differ
    assert first.distances[1] > first.distances[0] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iterations": 0}, "`iterations`"),
        ({"pixels": "median"}, "'sample', 'mean'"),
        ({"seed": -1}, "`seed`"),
        ({"starts": STARTS[:1]}, r"num_chains >= 2, 2"),
        ({"starts": STARTS[:, :1]}, r"num_chains >= 2, 2"),
        ({"starts": STARTS * np.nan}, "Did training diverge"),
    ],
)
def test_wrong_arguments_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        run_chains(autoencoder(lambda z: z), **{"starts": STARTS, **changes})


def outputs_of(value, count=20_000):
    return np.full((count, 1, 2, 1), value, np.float32)


def drawn(likelihood, outputs):
    noise = draw(generator(0, "analysis", 0), pixel_noise_kind(likelihood), outputs.shape)
    return np.asarray(draw_images(likelihood, outputs, noise))


def test_a_bernoulli_draws_black_and_white():
    images = drawn(BernoulliLikelihood(), outputs_of(-1.0))
    assert set(np.unique(images)) == {0.0, 1.0}
    assert images.mean() == pytest.approx(1 / (1 + np.e), abs=0.01)


@pytest.mark.parametrize(
    ("standardize", "mean", "deviation"),
    [(None, 1 / (1 + np.exp(-0.5)), 0.3), ((0.13, 0.31), 0.13 + 0.31 * 0.5, 0.31 * 0.3)],
)
def test_a_gaussian_draws_with_its_variance(standardize, mean, deviation):
    images = drawn(GaussianLikelihood(0.09, standardize), outputs_of(0.5))
    assert images.mean() == pytest.approx(mean, abs=0.005)
    assert images.std() == pytest.approx(deviation, rel=0.02)


def test_a_learned_variance_is_used():
    likelihood = GaussianLikelihood("learned")
    likelihood.raw_log_var.assign(-2.0)
    deviation = float(np.exp(0.5 * np.asarray(likelihood.log_var())))
    assert drawn(likelihood, outputs_of(0.0)).std() == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_animation_has_every_iteration(channels, tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (5, 20, 4, 4, channels), dtype=np.uint8)
    write_animation(frames, tmp_path / "chain.gif")
    with Image.open(tmp_path / "chain.gif") as picture:
        assert picture.n_frames == 5
        assert picture.info["loop"] == 0
