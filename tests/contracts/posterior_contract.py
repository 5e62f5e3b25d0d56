"""What every posterior must do. Subclass once per posterior and provide `make_posterior`.

`PosteriorContract` is for all of them, `DensityContract` for those that have a density over real
vectors; a density on the simplex is tested where it is.
"""

import numpy as np
import pytest

from vaemodels.noise import base_noise


def random_head(posterior):
    """Returns the posterior with random weights: some start at zero, which tests little."""
    rng = np.random.default_rng(0)
    posterior.head.set_weights([0.4 * rng.normal(size=w.shape) for w in posterior.head.weights])
    return posterior


def draw_from(posterior, num_samples):
    """Returns the parameters of one random q(u|x), repeated, and draws from it."""
    features = np.repeat(base_noise("normal", 3, 1, 4), num_samples, axis=0)
    parameters = posterior(features)
    noise = base_noise(posterior.noise_kind, 5, num_samples, posterior.noise_width)
    return parameters, np.asarray(posterior.sample(parameters, noise))


class PosteriorContract:
    @pytest.fixture
    def make_posterior(self):
        raise NotImplementedError("Return a callable (num_features, num_dims, seed) -> posterior")

    @pytest.fixture
    def link(self):
        """Where the mean of draws is that of `mean`: `u` itself unless the posterior's differs."""
        return np.asarray

    @pytest.mark.parametrize("num_dims", [1, 2, 16])
    def test_shapes_and_dtype(self, make_posterior, num_dims):
        posterior = random_head(make_posterior(4, num_dims, 0))
        parameters, u = draw_from(posterior, 5)
        assert u.shape == posterior.mean(parameters).shape == (5, num_dims)
        assert u.dtype == np.float32
        assert all(value.shape == (5, num_dims) for value in parameters.values())

    def test_draws_depend_on_the_noise_alone(self, make_posterior):
        first, second = (draw_from(make_posterior(4, 2, 7), 9)[1] for _ in range(2))
        np.testing.assert_array_equal(first, second)

    def test_mean_is_the_mean_of_the_draws(self, make_posterior, link):
        posterior = random_head(make_posterior(4, 2, 0))
        parameters, u = draw_from(posterior, 20_000)
        z = link(u)
        tolerance = 4 * z.std(axis=0).max() / np.sqrt(len(z)) + 1e-6
        expected = link(np.asarray(posterior.mean(parameters)))[0]
        np.testing.assert_allclose(z.mean(axis=0, dtype="float64"), expected, atol=tolerance)

    def test_config_rebuilds_the_posterior(self, make_posterior):
        posterior = make_posterior(4, 2, 3)
        again = type(posterior).from_config(posterior.get_config())
        assert again.get_config() == posterior.get_config()
        np.testing.assert_array_equal(again.weights[0], posterior.weights[0])

    def test_wrong_sizes_are_refused(self, make_posterior):
        with pytest.raises(ValueError, match=r"`num_dims`\. Expected an integer >= 1"):
            make_posterior(4, 0, 0)


class DensityContract(PosteriorContract):
    def test_density_integrates_to_one(self, make_posterior):
        posterior = random_head(make_posterior(4, 1, 0))
        grid = np.linspace(-25, 25, 16_001, dtype="float32")
        parameters, _ = draw_from(posterior, len(grid))
        density = np.exp(posterior.log_prob(parameters, grid[:, None]))
        assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=1e-3)

    def test_samples_follow_the_density(self, make_posterior):
        posterior = random_head(make_posterior(4, 1, 0))
        _, u = draw_from(posterior, 20_000)
        edges = np.linspace(-15, 15, 61, dtype="float32")
        frequency = np.histogram(u, edges)[0] / len(u)
        grid = np.linspace(-15, 15, 12_001, dtype="float32")
        parameters, _ = draw_from(posterior, len(grid))
        density = np.exp(posterior.log_prob(parameters, grid[:, None]))
        probability = density[:-1].reshape(60, 200).mean(axis=1) * 0.5  # bins are half a unit wide
        assert 0.5 * np.abs(frequency - probability).sum() < 0.02  # total variation distance

    def test_densities_of_several_posteriors_broadcast(self, make_posterior):
        posterior = random_head(make_posterior(4, 2, 0))
        parameters = posterior(base_noise("normal", 3, 3, 4))
        u = base_noise("normal", 4, 5, 2)
        table = np.asarray(posterior.log_prob(parameters, u[:, None, :]))
        assert table.shape == (5, 3)
        one = {name: value[1:2] for name, value in parameters.items()}
        np.testing.assert_allclose(table[:, 1], posterior.log_prob(one, u), rtol=1e-5)
