"""Posteriors against their contracts and against SciPy."""

import numpy as np
import pytest
from scipy.stats import dirichlet, norm

from tests.contracts.posterior_contract import (
    DensityContract,
    PosteriorContract,
    draw_from,
    random_head,
)
from vaemodels.noise import base_noise
from vaemodels.posteriors import (
    DiagonalGaussianPosterior,
    DirichletPosterior,
    KumaraswamyPosterior,
    LegacySticksPosterior,
    PointPosterior,
)
from vaemodels.posteriors.diagonal_gaussian import soft_bound


def sigmoid(u):
    return 1 / (1 + np.exp(-u.astype("float64")))


class TestDiagonalGaussianPosterior(DensityContract):
    @pytest.fixture
    def make_posterior(self):
        return DiagonalGaussianPosterior

    def test_log_prob_is_the_normal_one(self):
        posterior = DiagonalGaussianPosterior(4, 3)
        parameters = posterior(base_noise("normal", 0, 5, 4))
        u = base_noise("normal", 1, 5, 3)
        mean, log_var = (np.asarray(parameters[name]) for name in ("mean", "log_var"))
        expected = norm.logpdf(u, mean, np.exp(log_var / 2)).sum(axis=-1)
        np.testing.assert_allclose(posterior.log_prob(parameters, u), expected, rtol=1e-4)

    def test_a_relu_head_keeps_the_deviation_above_one(self):
        posterior = DiagonalGaussianPosterior(4, 3, activation="relu")
        parameters = posterior(base_noise("normal", 0, 50, 4))
        assert np.min(parameters["mean"]) == 0
        assert np.min(parameters["log_var"]) == pytest.approx(0, abs=1e-6)


class TestKumaraswamyPosterior(DensityContract):
    @pytest.fixture
    def make_posterior(self):
        return KumaraswamyPosterior

    @pytest.fixture
    def link(self):
        return sigmoid

    @pytest.mark.parametrize("log_b", [-3.9, 0.0, 5.3])
    @pytest.mark.parametrize("log_a", [-3.9, 0.0, 5.0])
    def test_density_is_right_far_into_both_tails(self, log_a, log_b):
        """Against float64, where `1 - v**a` is computed from `log v` exactly."""
        u = np.linspace(-60, 60, 241, dtype="float32")[:, None]
        exact = u.astype("float64")
        log_v, log_rest = -np.log1p(np.exp(-exact)), -np.log1p(np.exp(exact))
        a, b = np.exp(log_a), np.exp(log_b)
        # For v near 1, log(1 - v**a) = log(a) + log(1 - v) + O(1 - v).
        log_rest_w = np.where(
            exact > 30, log_a + log_rest, np.log(-np.expm1(np.minimum(a * log_v, -1e-300)))
        )
        expected = log_a + log_b + a * log_v + log_rest + (b - 1) * log_rest_w
        parameters = {
            "log_a": np.full_like(u, log_a),
            "log_b": np.full_like(u, log_b),
        }
        result = KumaraswamyPosterior(4, 1).log_prob(parameters, u)
        np.testing.assert_allclose(result, expected[:, 0], rtol=2e-4, atol=2e-4)

    @pytest.mark.parametrize("concentration", [5.0, 50.0, 500.0])
    def test_the_mean_keeps_its_digits_at_large_concentrations(self, concentration):
        """Of Beta(1, c) it is 1 / (1 + c)."""
        posterior = KumaraswamyPosterior(4, 1, concentration=concentration)
        mean = posterior.mean(posterior(base_noise("normal", 0, 3, 4)))
        np.testing.assert_allclose(sigmoid(np.asarray(mean)), 1 / (1 + concentration), rtol=1e-5)

    def test_it_starts_as_the_prior(self):
        parameters = KumaraswamyPosterior(4, 3, concentration=2.0)(base_noise("normal", 0, 5, 4))
        np.testing.assert_allclose(parameters["log_a"], 0.0)
        np.testing.assert_allclose(parameters["log_b"], np.log(2.0), rtol=1e-6)


class TestDirichletPosterior(PosteriorContract):
    @pytest.fixture
    def make_posterior(self):
        return DirichletPosterior

    @pytest.fixture
    def link(self):
        return np.exp

    def test_log_prob_is_the_dirichlet_one(self):
        posterior = random_head(DirichletPosterior(4, 3))
        parameters, u = draw_from(posterior, 4)
        concentration = np.asarray(parameters["concentration"], dtype="float64")
        z = np.exp(u.astype("float64"))
        expected = [
            dirichlet.logpdf(zi / zi.sum(), ai) for zi, ai in zip(z, concentration, strict=True)
        ]
        np.testing.assert_allclose(posterior.log_prob(parameters, u), expected, rtol=1e-4)

    @pytest.mark.parametrize("concentration", [0.05, 0.98, 20.0])
    def test_moments_are_the_dirichlet_ones(self, concentration):
        posterior = DirichletPosterior(4, 5, concentration=concentration)
        z = np.exp(draw_from(posterior, 20_000)[1].astype("float64"))
        expected = dirichlet(np.full(5, concentration))
        np.testing.assert_allclose(z.sum(axis=1), 1.0, rtol=1e-5)
        np.testing.assert_allclose(z.mean(axis=0), expected.mean(), atol=0.012)
        np.testing.assert_allclose(z.var(axis=0), expected.var(), rtol=0.08)


class TestLegacySticksPosterior(DensityContract):
    @pytest.fixture
    def make_posterior(self):
        return LegacySticksPosterior


class TestPointPosterior(PosteriorContract):
    @pytest.fixture
    def make_posterior(self):
        return PointPosterior

    def test_it_has_no_density(self):
        posterior = PointPosterior(4, 3)
        parameters = posterior(base_noise("normal", 0, 5, 4))
        assert not posterior.has_density
        with pytest.raises(TypeError, match="A point posterior has no density"):
            posterior.log_prob(parameters, np.zeros((5, 3)))


def test_soft_bound_keeps_zero_and_never_passes_its_bounds():
    result = np.asarray(soft_bound(np.array([-1e4, -1.0, 0.0, 1.0, 1e4], dtype="float32")))
    assert result[2] == pytest.approx(0.0, abs=1e-6)
    assert (np.diff(result) > 0).all()
    assert result[0] == pytest.approx(-12)
    assert result[-1] == pytest.approx(8)
