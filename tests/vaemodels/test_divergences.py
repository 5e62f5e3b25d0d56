"""Divergences against closed forms, published constants and Monte Carlo."""

import numpy as np
import pytest
from scipy.special import digamma, gammaln

from tests.contracts.posterior_contract import random_head
from vaemodels.divergences import CLOSED_FORMS, kl, kl_per_dimension
from vaemodels.noise import base_noise
from vaemodels.posteriors import (
    DiagonalGaussianPosterior,
    DirichletPosterior,
    KumaraswamyPosterior,
    LegacySticksPosterior,
    PointPosterior,
)
from vaemodels.posteriors.kumaraswamy import kl_to_beta
from vaemodels.posteriors.legacy_sticks import legacy_kl
from vaemodels.priors import (
    BetaSticksPrior,
    DirichletPrior,
    GaussianMixturePrior,
    StandardNormalPrior,
)

DIVERGENCES = [
    pair for pair in CLOSED_FORMS if pair[0] not in (PointPosterior, LegacySticksPosterior)
]


def gaussian_example(num_dims):
    noise = base_noise("normal", 2, 6, 2 * num_dims)
    return {"mean": noise[:, :num_dims], "log_var": noise[:, num_dims:]}


def sticks(a, b):
    """Returns Kumaraswamy parameters of one image and one stick."""
    return {name: np.log([[x]]).astype("float32") for name, x in (("log_a", a), ("log_b", b))}


def test_gaussian_kl_is_the_textbook_formula():
    posterior, prior = DiagonalGaussianPosterior(4, 3), StandardNormalPrior(3)
    parameters = gaussian_example(3)
    mean, log_var = (parameters[key].astype("float64") for key in ("mean", "log_var"))
    expected = 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var)
    np.testing.assert_allclose(kl_per_dimension(posterior, prior, parameters), expected, rtol=1e-5)
    result = kl(posterior, prior, parameters, None)
    np.testing.assert_allclose(result, expected.sum(axis=-1), rtol=1e-5)


def test_gaussian_kl_keeps_its_digits_near_zero():
    parameters = {"mean": np.zeros((1, 1), "float32"), "log_var": np.full((1, 1), 1e-3, "float32")}
    result = kl_per_dimension(DiagonalGaussianPosterior(1, 1), StandardNormalPrior(1), parameters)
    assert float(result[0, 0]) == pytest.approx(0.5 * (np.expm1(1e-3) - 1e-3), rel=1e-3)


@pytest.mark.parametrize("pair", DIVERGENCES, ids=lambda p: f"{p[0].__name__}-{p[1].__name__}")
def test_closed_form_kl_is_the_monte_carlo_kl(pair, monkeypatch):
    posterior, prior = random_head(pair[0](4, 2)), pair[1](2)
    features = np.repeat(base_noise("normal", 3, 1, 4), 20_000, axis=0)
    parameters = posterior(features)
    noise = base_noise(posterior.noise_kind, 4, 20_000, posterior.noise_width)
    exact = np.asarray(kl(posterior, prior, parameters, None))[0]
    monkeypatch.delitem(CLOSED_FORMS, pair)
    draws = np.asarray(kl(posterior, prior, parameters, posterior.sample(parameters, noise)))
    assert abs(draws.mean() - exact) < 3.5 * draws.std() / np.sqrt(len(draws))


@pytest.mark.parametrize("c", [1.0, 5.0, 12.0])
@pytest.mark.parametrize("b", [0.05, 1.0, 5.0, 300.0])
def test_kumaraswamy_kl_at_a_equal_to_one(b, c):
    """Kumaraswamy(1, b) is Beta(1, b): the KL is log(b / c) + c / b - 1."""
    expected = np.log(b / c) + c / b - 1
    result = float(kl_to_beta(sticks(1.0, b), c)[0, 0])
    assert result == pytest.approx(expected, rel=2e-5, abs=2e-5)


def test_kumaraswamy_kl_of_the_thesis_is_exactly_this():
    """Five uniform sticks against Beta(1, 5): 5 * (4 - log 5), exact in place of truncated."""
    assert 5 * float(kl_to_beta(sticks(1, 1), 5.0)[0, 0]) == pytest.approx(11.9528104, abs=1e-5)


def test_legacy_kl_is_the_published_constant():
    """5 * (40 / 11 - log 5), printed as 10.1346312 in the thesis' tables."""
    ones = np.ones((1, 5), "float32")
    values = np.asarray(legacy_kl({"a": ones, "b": ones}))
    np.testing.assert_allclose(values, 2.0269257, atol=1e-6)
    assert values.sum() == pytest.approx(10.1346286, abs=1e-5)


@pytest.mark.parametrize("b", [0.02, 0.3, 5.0, 200.0])
@pytest.mark.parametrize("a", [0.02, 0.5, 3.0, 200.0])
def test_kumaraswamy_quadrature_is_monte_carlo(a, b):
    posterior, prior = KumaraswamyPosterior(4, 1), BetaSticksPrior(1, 5.0)
    parameters = {k: np.repeat(v, 50_000, axis=0) for k, v in sticks(a, b).items()}
    u = np.asarray(posterior.sample(parameters, base_noise("uniform", 0, 50_000, 1)))
    draws = np.asarray(posterior.log_prob(parameters, u) - prior.log_prob(u), dtype="float64")
    exact = float(kl_to_beta(sticks(a, b), 5.0)[0, 0])
    assert abs(draws.mean() - exact) < 4 * draws.std() / np.sqrt(len(draws)) + 0.01


def test_dirichlet_kl_is_the_formula_and_zero_for_equal_ones():
    a = np.array([[0.3, 2.0, 7.0]])
    b = np.full(3, 0.9)
    total, gap = a.sum(), digamma(a) - digamma(a.sum())
    expected = gammaln(total) - gammaln(b.sum())
    expected += (gammaln(b) - gammaln(a) + (a - b) * gap).sum()
    posterior = DirichletPosterior(4, 3)
    parameters = {"concentration": a.astype("float32")}
    result = kl(posterior, DirichletPrior(3, 0.9), parameters, None)
    assert float(result[0]) == pytest.approx(expected, rel=1e-5)
    parameters = {"concentration": np.full((1, 3), 0.9, "float32")}
    zero = kl(posterior, DirichletPrior(3, 0.9), parameters, None)
    assert float(zero[0]) == pytest.approx(0.0, abs=1e-6)


def test_a_mixture_of_one_standard_component_gives_the_closed_form_on_average():
    posterior = DiagonalGaussianPosterior(4, 2)
    prior = GaussianMixturePrior(2, num_components=1)
    prior.means.assign(np.zeros((1, 2)))
    parameters = posterior(np.repeat(base_noise("normal", 3, 1, 4), 20_000, axis=0))
    u = posterior.sample(parameters, base_noise("normal", 4, 20_000, 2))
    draws = np.asarray(kl(posterior, prior, parameters, u))
    exact = float(kl(posterior, StandardNormalPrior(2), parameters, None)[0])
    assert abs(draws.mean() - exact) < 3 * draws.std() / np.sqrt(len(draws))


def test_the_penalty_of_a_point_is_half_its_square():
    values = kl(PointPosterior(4, 2), StandardNormalPrior(2), {"mean": np.array([[3.0, 4.0]])}, 0)
    assert float(values[0]) == pytest.approx(12.5)


@pytest.mark.parametrize(
    "pair",
    [
        (DiagonalGaussianPosterior(4, 2), GaussianMixturePrior(2)),
        (DirichletPosterior(4, 2), DirichletPrior(2)),
    ],
    ids=lambda pair: type(pair[0]).__name__,
)
def test_a_pair_that_does_not_split_is_refused_per_dimension(pair):
    with pytest.raises(ValueError, match=r"Invalid pair of `posterior` and `prior`.*Use `kl`"):
        kl_per_dimension(*pair, {})
