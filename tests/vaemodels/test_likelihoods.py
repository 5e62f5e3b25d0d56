"""Likelihoods against their contract and closed forms."""

import numpy as np
import pytest
import tensorflow as tf

from tests.contracts.likelihood_contract import LikelihoodContract
from vaemodels.likelihoods import BernoulliLikelihood, GaussianLikelihood
from vaemodels.noise import base_noise


class TestBernoulliLikelihood(LikelihoodContract):
    @pytest.fixture
    def likelihood(self):
        return BernoulliLikelihood()

    @pytest.fixture
    def support(self):
        return np.array([0.0, 1.0], dtype="float32"), np.ones(2)

    def test_it_is_the_cross_entropy(self, likelihood):
        outputs = np.linspace(-8, 8, 17, dtype="float32").reshape(17, 1, 1, 1)
        p, x = 1 / (1 + np.exp(-outputs.astype("float64"))), 0.3
        expected = (x * np.log(p) + (1 - x) * np.log1p(-p)).ravel()
        result = likelihood.log_prob(outputs, np.full_like(outputs, x))
        np.testing.assert_allclose(result, expected, rtol=1e-5)

    @pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (1, 1, 1), (127, 1, 1), (9, 7, 3)])
    def test_value_and_slopes_are_those_in_double_precision(self, likelihood, shape):
        logits = 12 * base_noise("normal", 0, 4, int(np.prod(shape))).reshape(4, *shape)
        logits[0].flat[:2] = (-300.0, 300.0)  # a softplus would have overflowed on the way
        images = base_noise("uniform", 1, 4, int(np.prod(shape))).reshape(4, *shape)
        outputs = tf.Variable(logits)
        with tf.GradientTape() as tape:
            result = likelihood.log_prob(outputs, images)
            total = tf.reduce_sum(result * tf.constant([1.0, 2.0, 3.0, 4.0]))
        exact = logits.astype("float64")
        expected = (images * exact - np.logaddexp(0, exact)).sum(axis=(1, 2, 3))
        np.testing.assert_allclose(result, expected, rtol=1e-6)
        slopes = (images - 1 / (1 + np.exp(-exact))) * np.arange(1, 5).reshape(4, 1, 1, 1)
        np.testing.assert_allclose(tape.gradient(total, outputs), slopes, atol=1e-6)


class TestGaussianLikelihood(LikelihoodContract):
    @pytest.fixture(params=[(0.5, None), (0.02, (0.1307, 0.3081)), ("learned", (0.0, 1.0))])
    def likelihood(self, request):
        return GaussianLikelihood(*request.param)

    @pytest.fixture
    def support(self, likelihood):
        """A density over standardised pixels integrates to one over those."""
        values = np.linspace(-12, 12, 40_001, dtype="float32")
        deviation = likelihood.standardize[1] if likelihood.standardize else 1.0
        return values, np.full(len(values), 24 / 40_000 / deviation)

    def test_half_a_variance_is_the_sum_of_squared_errors(self):
        outputs, images = base_noise("normal", 0, 2, 12).reshape(2, 2, 3, 2), 0.25
        errors = np.sum((1 / (1 + np.exp(-outputs)) - images) ** 2, axis=(1, 2, 3))
        result = -GaussianLikelihood(0.5).log_prob(outputs, np.full_like(outputs, images))
        np.testing.assert_allclose(result, errors + 12 / 2 * np.log(np.pi), rtol=1e-5)

    def test_a_learned_variance_is_one_weight_and_starts_at_one(self):
        likelihood = GaussianLikelihood("learned")
        assert len(likelihood.trainable_variables) == 1
        assert float(likelihood.log_var()) == pytest.approx(0.0, abs=1e-6)

    @pytest.mark.parametrize("variance", [0, -1.0, "free"])
    def test_a_wrong_variance_is_refused(self, variance):
        with pytest.raises(ValueError, match="Invalid value for `variance`"):
            GaussianLikelihood(variance)
