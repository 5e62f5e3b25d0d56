"""What every posterior must do. Subclass once per posterior and provide `make_posterior`.

`PosteriorContract` is for all of them, `DensityContract` for those that have a density.
"""

import numpy as np
import pytest

from vaemodels.noise import base_noise


def draw_from(posterior, num_samples):
    """Returns the parameters of one random q(z|x), repeated, and draws from it."""
    features = np.repeat(base_noise("normal", 3, 1, 4), num_samples, axis=0)
    parameters = posterior(features)
    noise = base_noise(posterior.noise_kind, 5, num_samples, posterior.noise_width)
    return parameters, np.asarray(posterior.sample(parameters, noise))


class PosteriorContract:
    @pytest.fixture
    def make_posterior(self):
        raise NotImplementedError("Return a callable (num_features, latent_dim, seed) -> posterior")

    @pytest.mark.parametrize("latent_dim", [1, 2, 16])
    def test_shapes_and_dtype(self, make_posterior, latent_dim):
        posterior = make_posterior(4, latent_dim, 0)
        parameters, z = draw_from(posterior, 5)
        assert z.shape == posterior.mean(parameters).shape == (5, latent_dim)
        assert z.dtype == np.float32
        assert all(value.shape == (5, latent_dim) for value in parameters.values())

    def test_draws_depend_on_the_noise_alone(self, make_posterior):
        first, second = (draw_from(make_posterior(4, 2, 7), 9)[1] for _ in range(2))
        np.testing.assert_array_equal(first, second)

    def test_mean_is_the_mean_of_the_draws(self, make_posterior):
        posterior = make_posterior(4, 2, 0)
        parameters, z = draw_from(posterior, 20_000)
        tolerance = 4 * z.std(axis=0).max() / np.sqrt(len(z)) + 1e-6
        expected = np.asarray(posterior.mean(parameters))[0]
        np.testing.assert_allclose(z.mean(axis=0, dtype="float64"), expected, atol=tolerance)

    def test_config_rebuilds_the_posterior(self, make_posterior):
        posterior = make_posterior(4, 2, 3)
        again = type(posterior).from_config(posterior.get_config())
        assert again.get_config() == posterior.get_config()
        np.testing.assert_array_equal(again.weights[0], posterior.weights[0])


class DensityContract(PosteriorContract):
    def test_density_integrates_to_one(self, make_posterior):
        posterior = make_posterior(4, 1, 0)
        grid = np.linspace(-15, 15, 8001, dtype="float32")
        parameters, _ = draw_from(posterior, len(grid))
        density = np.exp(posterior.log_prob(parameters, grid[:, None]))
        assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=1e-3)

    def test_samples_follow_the_density(self, make_posterior):
        posterior = make_posterior(4, 1, 0)
        _, z = draw_from(posterior, 20_000)
        edges = np.linspace(-15, 15, 61, dtype="float32")
        frequency = np.histogram(z, edges)[0] / len(z)
        grid = np.linspace(-15, 15, 12_001, dtype="float32")
        parameters, _ = draw_from(posterior, len(grid))
        density = np.exp(posterior.log_prob(parameters, grid[:, None]))
        probability = density[:-1].reshape(60, 200).mean(axis=1) * 0.5  # bins are half a unit wide
        assert 0.5 * np.abs(frequency - probability).sum() < 0.02  # total variation distance
