"""From a config to a model with its initial weights."""

from vaemodels.backbones import build_decoder, build_encoder
from vaemodels.checks import check_at_least
from vaemodels.config import VAEConfig
from vaemodels.layers import Tensor
from vaemodels.likelihoods import AbstractLikelihood, BernoulliLikelihood, GaussianLikelihood
from vaemodels.links import LINKS
from vaemodels.posteriors.base import Parameters
from vaemodels.vae import VAE, standardized
from vaemodels.variants import build_posterior, build_prior


def _likelihood(config: VAEConfig) -> AbstractLikelihood:
    if config.likelihood == "bernoulli":
        return BernoulliLikelihood()
    return GaussianLikelihood(config.variance, config.standardize)


def build(config: VAEConfig, seed: int = 0) -> VAE:
    """Returns the model of a config, built, with initial weights that depend on `seed` alone.

    Args:
        config: The description.
        seed: Integer >= 0.

    Raises:
        ValueError: If the layers do not fit the image shape.
    """
    check_at_least(0, seed=seed)
    encoder = build_encoder(config, seed)
    link = LINKS[config.link_name]
    posterior = build_posterior(
        config, encoder.num_features, link.num_dims(config.latent_dim), seed
    )

    def parameters(images: Tensor) -> Parameters:
        return posterior(encoder(standardized(images, config.standardize), training=False))

    return VAE(
        config,
        encoder=encoder,
        posterior=posterior,
        link=link,
        prior=build_prior(config, posterior, parameters, seed),
        decoder=build_decoder(config, seed),
        likelihood=_likelihood(config),
    )
