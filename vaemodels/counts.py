"""Parameter counts of a whole model, by arithmetic: nothing is allocated, Keras not loaded."""

import math

from vaemodels.config import OwnConfig, VAEConfig
from vaemodels.sizes import decoder_count, encoder_count


def count_parameters(config: VAEConfig) -> int:
    """Returns the number of weights of the model, moving averages included, without building it.

    Raises:
        ValueError: If the layers do not fit the image shape, or a part of the model comes from a
            function of the user's: it has to be built then.
    """
    halves = config.encoder, config.decoder
    if config.own_parts or isinstance(halves[0], OwnConfig) or isinstance(halves[1], OwnConfig):
        raise ValueError(
            f"The weights of `{config.own_parts[0]}` cannot be counted without it. Build the model."
        )
    encoder, num_features = encoder_count(halves[0], config.image_shape)
    head = (num_features + 1) * _head_width(config)
    decoder = decoder_count(halves[1], config.image_shape, config.latent_dim)
    learned = config.likelihood == "gaussian" and config.variance == "learned"
    return encoder + head + _prior_count(config) + decoder + int(learned)


def _num_dims(config: VAEConfig) -> int:
    return config.latent_dim - (config.link_name == "sticks")


def _head_width(config: VAEConfig) -> int:
    return _num_dims(config) * (1 if config.posterior_name in ("point", "dirichlet") else 2)


def _prior_count(config: VAEConfig) -> int:
    if config.prior_name == "gaussian_mixture":
        return config.num_components * (1 + 2 * _num_dims(config))
    if config.prior_name == "vamp":
        return config.num_components * math.prod(config.image_shape)
    return 0
