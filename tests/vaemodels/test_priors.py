"""Priors against their contracts, closed forms, and what they learn."""

import numpy as np
import pytest
from scipy.stats import beta, dirichlet, norm

from tests.contracts.prior_contract import PriorContract, RealPriorContract, draw_from
from vaemodels import Trainer, TrainingConfig, VAEConfig
from vaemodels.config import DenseConfig
from vaemodels.noise import base_noise
from vaemodels.posteriors import DiagonalGaussianPosterior
from vaemodels.priors import (
    BetaSticksPrior,
    DirichletPrior,
    GaussianMixturePrior,
    LaplaceDirichletPrior,
    StandardNormalPrior,
    VampPrior,
)


class TestStandardNormalPrior(RealPriorContract):
    @pytest.fixture
    def make_prior(self):
        return StandardNormalPrior


class TestLaplaceDirichletPrior(RealPriorContract):
    @pytest.fixture
    def make_prior(self):
        return LaplaceDirichletPrior

    def test_variance_is_the_published_one(self):
        """Variance `(1 - 2/K) / a + sum_i(1 / a_i) / K**2`, all `a` equal."""
        k, a = 50, 0.98
        expected = (1 - 2 / k) / a + k / a / k**2
        assert LaplaceDirichletPrior(k, a).variance == pytest.approx(expected)


class TestBetaSticksPrior(RealPriorContract):
    @pytest.fixture
    def make_prior(self):
        return BetaSticksPrior

    def test_fractions_are_beta_distributed(self):
        v = 1 / (1 + np.exp(-draw_from(BetaSticksPrior(1, 3.0), 20_000).astype("float64")))
        levels = np.array([0.1, 0.5, 0.9])
        np.testing.assert_allclose(np.quantile(v, levels), beta(1, 3).ppf(levels), atol=0.01)


class TestDirichletPrior(PriorContract):
    @pytest.fixture
    def make_prior(self):
        return DirichletPrior

    def test_weights_are_dirichlet_distributed(self):
        z = np.exp(draw_from(DirichletPrior(4, 0.7), 20_000).astype("float64"))
        np.testing.assert_allclose(z.mean(axis=0), 0.25, atol=0.01)
        np.testing.assert_allclose(z.var(axis=0), dirichlet(np.full(4, 0.7)).var(), rtol=0.05)


class TestGaussianMixturePrior(RealPriorContract):
    @pytest.fixture
    def make_prior(self):
        return GaussianMixturePrior

    def test_one_standard_component_is_the_standard_normal(self):
        prior = GaussianMixturePrior(3, num_components=1)
        prior.means.assign(np.zeros((1, 3)))
        u = base_noise("normal", 1, 20, 3)
        np.testing.assert_allclose(prior.variances(), 1.0, rtol=1e-6)
        np.testing.assert_allclose(
            prior.log_prob(u), norm.logpdf(u).sum(axis=1), rtol=1e-5, atol=1e-5
        )

    def test_components_move_to_clusters_of_codes(self):
        prior = GaussianMixturePrior(2, num_components=2)
        codes = base_noise("normal", 0, 300, 2) * 0.1 + np.repeat([[4.0], [-4.0]], 150, axis=0)
        prior.initialize(np.zeros((300, 1, 1, 1)), codes.astype("float32"))
        np.testing.assert_allclose(np.sort(prior.means, axis=0), [[-4, -4], [4, 4]], atol=0.05)
        np.testing.assert_allclose(np.exp(prior.log_weights()), 0.5, atol=0.01)

    def test_moving_to_clusters_does_not_raise_the_divergence(self):
        """The posteriors' own variance counts: components fitted to their means are too narrow."""
        images = base_noise("uniform", 0, 400, 64).reshape(400, 8, 8, 1)
        config = VAEConfig((8, 8, 1), 4, "gmvae", encoder=DenseConfig((16,)))
        trainer = Trainer(config, TrainingConfig(3, 50, 1e-3), images)
        first, second = (trainer.run_epoch()["kl_loss"] for _ in range(2))
        assert second < first + 1

    @pytest.mark.parametrize("codes", [np.zeros((3, 2)), np.full((50, 2), np.nan)])
    def test_codes_that_cannot_be_clustered_change_nothing(self, codes):
        prior = GaussianMixturePrior(2, num_components=5)
        before = np.asarray(prior.means)
        prior.initialize(np.zeros((len(codes), 1, 1, 1)), codes.astype("float32"))
        np.testing.assert_array_equal(prior.means, before)


class TestVampPrior(RealPriorContract):
    @pytest.fixture
    def make_prior(self):
        def make(num_dims):
            if num_dims == 0:
                return StandardNormalPrior(num_dims)  # no posterior to begin with
            posterior = DiagonalGaussianPosterior(4, num_dims, 0)
            flat = lambda images: posterior(np.asarray(images).reshape(-1, 4))  # noqa: E731
            return VampPrior(posterior, flat, (2, 2, 1), num_components=3)

        return make

    def test_it_is_the_mixture_of_the_posteriors_of_its_images(self, make_prior):
        prior = make_prior(2)
        posterior = DiagonalGaussianPosterior(4, 2, 0)
        parameters = posterior(np.asarray(prior.pseudo_inputs()).reshape(-1, 4))
        u = base_noise("normal", 1, 5, 2)
        densities = [
            np.exp(posterior.log_prob({n: p[i : i + 1] for n, p in parameters.items()}, u))
            for i in range(3)
        ]
        np.testing.assert_allclose(np.exp(prior.log_prob(u)), np.mean(densities, axis=0), rtol=1e-4)

    def test_it_has_its_images_for_weights_alone_and_starts_from_training_images(self, make_prior):
        prior = make_prior(2)
        assert [w.shape for w in prior.weights] == [(3, 2, 2, 1)]
        images = base_noise("uniform", 0, 7, 4).reshape(7, 2, 2, 1)
        prior.initialize(images, np.zeros((7, 2)))
        np.testing.assert_allclose(
            prior.pseudo_inputs(), images[[0, 3, 6]].clip(0.01, 0.99), rtol=1e-4
        )
