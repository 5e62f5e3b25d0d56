"""What every likelihood must do. Subclass once per likelihood and provide both fixtures."""

import numpy as np
import pytest

from vaemodels.noise import base_noise


class LikelihoodContract:
    @pytest.fixture
    def likelihood(self):
        raise NotImplementedError("Return the likelihood.")

    @pytest.fixture
    def support(self):
        """Pixel values with quadrature weights, over which the density must sum to one."""
        raise NotImplementedError("Return (values, weights).")

    @pytest.fixture
    def outputs(self):
        return base_noise("normal", 1, 7, 12).reshape(7, 2, 3, 2)

    def test_one_finite_value_per_image(self, likelihood, outputs):
        log_prob = likelihood.log_prob(outputs, np.full_like(outputs, 0.25))
        assert log_prob.shape == (7,)
        assert np.isfinite(log_prob).all()

    def test_pixels_are_independent(self, likelihood, outputs):
        images = base_noise("uniform", 2, 7, 12).reshape(outputs.shape)
        whole = np.asarray(likelihood.log_prob(outputs, images))
        single = likelihood.log_prob(outputs.reshape(-1, 1, 1, 1), images.reshape(-1, 1, 1, 1))
        np.testing.assert_allclose(np.asarray(single).reshape(7, 12).sum(axis=1), whole, rtol=1e-4)

    @pytest.mark.parametrize("output", [-3.0, 0.0, 1.5])
    def test_density_integrates_to_one(self, likelihood, support, output):
        values, weights = support
        outputs = np.full((len(values), 1, 1, 1), output, dtype="float32")
        density = np.exp(likelihood.log_prob(outputs, values.reshape(-1, 1, 1, 1)))
        assert (density * weights).sum() == pytest.approx(1.0, abs=1e-3)

    def test_mean_images_are_pixels(self, likelihood, outputs):
        mean = np.asarray(likelihood.mean(outputs * 20))
        assert mean.shape == outputs.shape
        assert mean.min() >= 0
        assert mean.max() <= 1

    def test_extreme_outputs_stay_finite(self, likelihood):
        outputs = np.array([-500.0, 500.0], dtype="float32").reshape(2, 1, 1, 1)
        assert np.isfinite(likelihood.log_prob(outputs, np.ones_like(outputs))).all()

    def test_config_rebuilds_the_likelihood(self, likelihood):
        again = type(likelihood).from_config(likelihood.get_config())
        assert again.get_config() == likelihood.get_config()
