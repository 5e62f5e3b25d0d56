"""What every prior must do. Subclass `PriorContract` once per prior and provide `make_prior`."""

import numpy as np
import pytest

from vaemodels.noise import base_noise
from vaemodels.priors import AbstractPrior


def draw_from(prior, num_samples):
    """Returns draws from a prior with fixed base noise."""
    noise = base_noise(prior.noise_kind, 5, num_samples, prior.noise_width)
    return np.asarray(prior.sample(noise))


class PriorContract:
    @pytest.fixture
    def make_prior(self):
        raise NotImplementedError("Return a callable that takes `latent_dim` and builds the prior.")

    @pytest.mark.parametrize("latent_dim", [1, 2, 16])
    def test_shapes_and_dtype(self, make_prior, latent_dim):
        z = draw_from(make_prior(latent_dim), 5)
        assert z.shape == (5, latent_dim)
        assert z.dtype == np.float32
        assert make_prior(latent_dim).log_prob(z).shape == (5,)

    def test_density_integrates_to_one(self, make_prior):
        grid = np.linspace(-12, 12, 4001, dtype="float32")
        density = np.exp(make_prior(1).log_prob(grid[:, None]))
        assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=1e-4)

    def test_samples_follow_the_density(self, make_prior):
        prior = make_prior(1)
        edges = np.linspace(-12, 12, 25, dtype="float32")
        frequency = np.histogram(draw_from(prior, 20_000), edges)[0] / 20_000
        grid = np.linspace(-12, 12, 24_001, dtype="float32")
        density = np.exp(prior.log_prob(grid[:, None]))
        probability = density[:-1].reshape(24, 1000).mean(axis=1)  # each bin is one unit wide
        assert 0.5 * np.abs(frequency - probability).sum() < 0.02  # total variation distance

    def test_many_dimensions_do_not_overflow(self, make_prior):
        assert np.isfinite(make_prior(2048).log_prob(np.zeros((1, 2048), "float32")))

    def test_config_rebuilds_the_prior(self, make_prior):
        prior = make_prior(2)
        assert isinstance(prior, AbstractPrior)
        assert type(prior).from_config(prior.get_config()).get_config() == prior.get_config()
