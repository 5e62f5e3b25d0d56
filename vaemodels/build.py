"""From a config to a model with its initial weights."""

from vaemodels.checks import check_at_least
from vaemodels.config import ConvConfig, DenseConfig, VAEConfig
from vaemodels.decoders import AbstractDecoder, ConvDecoder, DenseDecoder
from vaemodels.encoders import AbstractEncoder, ConvEncoder, DenseEncoder
from vaemodels.likelihoods import AbstractLikelihood, BernoulliLikelihood, GaussianLikelihood
from vaemodels.sizes import count_parameters as count_parameters
from vaemodels.vae import VAE
from vaemodels.variants import VARIANTS


def _encoder(config: VAEConfig, seed: int) -> AbstractEncoder:
    if isinstance(config.encoder, DenseConfig):
        return DenseEncoder(config.encoder, config.image_shape, seed)
    return ConvEncoder(config.encoder, config.image_shape, seed)


def _decoder(config: VAEConfig, seed: int) -> AbstractDecoder:
    if isinstance(config.decoder, ConvConfig):
        return ConvDecoder(config.decoder, config.latent_dim, config.image_shape, seed)
    return DenseDecoder(config.decoder, config.latent_dim, config.image_shape, seed)


def _likelihood(config: VAEConfig) -> AbstractLikelihood:
    if config.likelihood == "bernoulli":
        return BernoulliLikelihood()
    return GaussianLikelihood(config.variance, config.standardize)


def build_vae(config: VAEConfig, seed: int = 0) -> VAE:
    """Returns the model of a config, built, with initial weights that depend on `seed` alone.

    Args:
        config: The description.
        seed: Integer >= 0.

    Raises:
        ValueError: If the layers do not fit the image shape.
    """
    check_at_least(0, seed=seed)
    variant = VARIANTS[config.variant]
    encoder = _encoder(config, seed)
    return VAE(
        config,
        encoder=encoder,
        posterior=variant.posterior(encoder.num_features, config.latent_dim, seed),
        link=variant.link,
        prior=variant.prior(config.latent_dim) if variant.prior else None,
        decoder=_decoder(config, seed),
        likelihood=_likelihood(config),
    )
