"""From a config to a model with its initial weights."""

import numpy as np

from vaemodels.backbones import OwnOptions, build_decoder, build_encoder
from vaemodels.checks import check_at_least
from vaemodels.config import OwnConfig, VAEConfig
from vaemodels.layers import Tensor, layer_seeds
from vaemodels.likelihoods import AbstractLikelihood, BernoulliLikelihood, GaussianLikelihood
from vaemodels.links import LINKS
from vaemodels.own import is_own, taken_options
from vaemodels.own_parts import made, seeded
from vaemodels.posteriors.base import Parameters
from vaemodels.vae import VAE, standardized
from vaemodels.variants import build_posterior, build_prior


def _own_options(config: VAEConfig) -> OwnOptions:
    """Returns the options of every function of the user's that makes a part of a model."""
    num_given = {config.posterior: 2, config.prior: 1, config.likelihood: 0}
    if isinstance(config.encoder, OwnConfig):
        num_given[config.encoder.function] = 1
    if isinstance(config.decoder, OwnConfig):
        num_given[config.decoder.function] = 2
    return taken_options({name: num_given[name] for name in config.own_parts}, config.own)


def _likelihood(config: VAEConfig, own_options: OwnOptions, seed: int) -> AbstractLikelihood:
    name = config.likelihood
    if is_own(name):
        own_seed = next(layer_seeds(seed, part=4))
        own: AbstractLikelihood = made(name, AbstractLikelihood, own_options[name], own_seed)
        return own
    if name == "bernoulli":
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
    own_options = _own_options(config)
    encoder = build_encoder(config, own_options, seed)
    link = LINKS[config.link_name]
    num_dims = link.num_dims(config.latent_dim)
    posterior = build_posterior(config, own_options, encoder.num_features, num_dims, seed)

    def parameters(images: Tensor) -> Parameters:
        return posterior(encoder(standardized(images, config.standardize), training=False))

    vae = VAE(
        config,
        encoder=encoder,
        posterior=posterior,
        link=link,
        prior=build_prior(config, own_options, posterior, parameters, seed),
        decoder=build_decoder(config, own_options, seed),
        likelihood=_likelihood(config, own_options, seed),
    )
    if config.own_parts:
        _complete(vae, seed)
    return vae


def _complete(vae: VAE, seed: int) -> None:
    """Has parts of the user's make all of their weights: a training takes those that are there."""
    images = np.zeros((1, *vae.config.image_shape), dtype=np.float32)
    noise = np.zeros((1, vae.posterior.noise_width), dtype=np.float32)
    with seeded(seed):
        try:
            vae.losses(images, noise, beta=1.0)
            vae.reconstruct(images)
        except Exception as error:  # whatever the user's parts raise
            names = ", ".join(vae.config.own_parts)
            raise ValueError(
                f"The model with {names} fails on an image of zeros: {type(error).__name__}: "
                f"{error}"
            ) from error
