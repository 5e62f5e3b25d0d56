"""What every prior must do. Subclass `PriorContract` once per prior and provide `make_prior`.

`RealPriorContract` adds what holds for densities over real vectors.
"""

import numpy as np
import pytest

from vaemodels.noise import base_noise
from vaemodels.priors import AbstractPrior


def draw_from(prior, num_samples):
    """Returns draws from a prior with fixed base noise."""
    noise = base_noise("normal", 5, num_samples, prior.noise_width)
    return np.asarray(prior.sample(noise))


class PriorContract:
    @pytest.fixture
    def make_prior(self):
        raise NotImplementedError("Return a callable that takes `num_dims` and builds the prior.")

    @pytest.mark.parametrize("num_dims", [2, 16])
    def test_shapes_and_dtype(self, make_prior, num_dims):
        u = draw_from(make_prior(num_dims), 5)
        assert u.shape == (5, num_dims)
        assert u.dtype == np.float32
        assert make_prior(num_dims).log_prob(u).shape == (5,)

    def test_draws_do_not_depend_on_how_many(self, make_prior):
        prior = make_prior(3)
        # Rows beyond a whole vector register are computed otherwise: some processors round there
        # a float32 of size 1, on the way to a smaller one, by one unit in the last place.
        few, many = draw_from(prior, 5), draw_from(prior, 50)[:5]
        np.testing.assert_allclose(few, many, rtol=1e-6, atol=1e-6)

    def test_many_dimensions_do_not_overflow(self, make_prior):
        u = np.full((1, 2048), -np.log(2048), "float32")
        assert np.isfinite(make_prior(2048).log_prob(u))

    def test_wrong_sizes_are_refused(self, make_prior):
        with pytest.raises(ValueError, match=r"`num_dims`\. Expected an integer >= 1"):
            make_prior(0)

    def test_it_is_a_prior(self, make_prior):
        assert isinstance(make_prior(2), AbstractPrior)


class RealPriorContract(PriorContract):
    def test_density_integrates_to_one(self, make_prior):
        grid = np.linspace(-15, 15, 8001, dtype="float32")
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
