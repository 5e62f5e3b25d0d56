"""Posteriors, priors, likelihoods and divergences against their contracts and closed forms."""

import numpy as np
import pytest
from scipy.stats import norm

from tests.contracts.likelihood_contract import LikelihoodContract
from tests.contracts.posterior_contract import DensityContract, PosteriorContract
from tests.contracts.prior_contract import PriorContract
from vaemodels.divergences import CLOSED_FORMS, kl, kl_per_dimension
from vaemodels.likelihoods import BernoulliLikelihood, GaussianLikelihood
from vaemodels.noise import base_noise
from vaemodels.posteriors import DiagonalGaussianPosterior, PointPosterior
from vaemodels.posteriors.diagonal_gaussian import soft_bound
from vaemodels.priors import StandardNormalPrior


class TestDiagonalGaussianPosterior(DensityContract):
    @pytest.fixture
    def make_posterior(self):
        return DiagonalGaussianPosterior

    def test_log_prob_is_the_normal_one(self):
        posterior = DiagonalGaussianPosterior(4, 3)
        parameters = posterior(base_noise("normal", 0, 5, 4))
        z = base_noise("normal", 1, 5, 3)
        mean, deviation = (
            np.asarray(parameters["mean"]),
            np.exp(np.asarray(parameters["log_var"]) / 2),
        )
        expected = norm.logpdf(z, mean, deviation).sum(axis=-1)
        np.testing.assert_allclose(posterior.log_prob(parameters, z), expected, rtol=1e-4)


class TestPointPosterior(PosteriorContract):
    @pytest.fixture
    def make_posterior(self):
        return PointPosterior

    def test_it_has_no_density(self):
        posterior = PointPosterior(4, 3)
        parameters = posterior(base_noise("normal", 0, 5, 4))
        with pytest.raises(TypeError, match="A point posterior has no density"):
            posterior.log_prob(parameters, np.zeros((5, 3)))


class TestStandardNormalPrior(PriorContract):
    @pytest.fixture
    def make_prior(self):
        return StandardNormalPrior


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


def test_soft_bound_keeps_zero_and_never_passes_its_bounds():
    result = np.asarray(soft_bound(np.array([-1e4, -1.0, 0.0, 1.0, 1e4], dtype="float32")))
    assert result[2] == pytest.approx(0.0, abs=1e-6)
    assert (np.diff(result) > 0).all()
    assert result[0] == pytest.approx(-12)
    assert result[-1] == pytest.approx(8)


def _example(latent_dim, log_var_scale=1.0):
    noise = base_noise("normal", 2, 6, 2 * latent_dim)
    return {"mean": noise[:, :latent_dim], "log_var": log_var_scale * noise[:, latent_dim:]}


def test_gaussian_kl_is_the_textbook_formula():
    posterior, prior = DiagonalGaussianPosterior(4, 3), StandardNormalPrior(3)
    parameters = _example(3)
    mean, log_var = (parameters[key].astype("float64") for key in ("mean", "log_var"))
    expected = 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var)
    np.testing.assert_allclose(kl_per_dimension(posterior, prior, parameters), expected, rtol=1e-5)
    result = kl(posterior, prior, parameters, None)
    np.testing.assert_allclose(result, expected.sum(axis=-1), rtol=1e-5)


def test_gaussian_kl_keeps_its_digits_near_zero():
    parameters = {"mean": np.zeros((1, 1), "float32"), "log_var": np.full((1, 1), 1e-3, "float32")}
    result = kl_per_dimension(DiagonalGaussianPosterior(1, 1), StandardNormalPrior(1), parameters)
    assert float(result[0, 0]) == pytest.approx(0.5 * (np.expm1(1e-3) - 1e-3), rel=1e-3)


@pytest.mark.parametrize("pair", CLOSED_FORMS, ids=lambda pair: pair[0].__name__)
def test_closed_form_kl_is_the_monte_carlo_kl(pair, monkeypatch):
    posterior, prior = pair[0](4, 2), pair[1](2)
    features = np.repeat(base_noise("normal", 3, 1, 4), 20_000, axis=0)
    parameters = posterior(features)
    noise = base_noise(posterior.noise_kind, 4, 20_000, posterior.noise_width)
    exact = np.asarray(kl(posterior, prior, parameters, None))[0]
    monkeypatch.delitem(CLOSED_FORMS, pair)
    draws = np.asarray(kl(posterior, prior, parameters, posterior.sample(parameters, noise)))
    assert abs(draws.mean() - exact) < 3 * draws.std() / np.sqrt(len(draws))


def test_a_pair_without_closed_form_is_refused_per_dimension():
    with pytest.raises(ValueError, match=r"PointPosterior, StandardNormalPrior.*Use `kl`"):
        kl_per_dimension(PointPosterior(4, 2), StandardNormalPrior(2), {})
