"""From a config to its encoder and its decoder."""

from typing import Any, Final, TypeAlias

from vaemodels.config import (
    ConvConfig,
    DenseConfig,
    HybridConfig,
    OwnConfig,
    RecurrentConfig,
    VAEConfig,
)
from vaemodels.decoders import (
    AbstractDecoder,
    ConvDecoder,
    DenseDecoder,
    HybridDecoder,
    OwnDecoder,
    RecurrentDecoder,
)
from vaemodels.encoders import (
    AbstractEncoder,
    ConvEncoder,
    DenseEncoder,
    HybridEncoder,
    OwnEncoder,
    RecurrentEncoder,
)

# Function of the user's -> its options.
OwnOptions: TypeAlias = dict[str, dict[str, Any]]

_ENCODERS: Final[dict[type, Any]] = {
    DenseConfig: DenseEncoder,
    ConvConfig: ConvEncoder,
    HybridConfig: HybridEncoder,
    RecurrentConfig: RecurrentEncoder,
}
_DECODERS: Final[dict[type, Any]] = {
    DenseConfig: DenseDecoder,
    ConvConfig: ConvDecoder,
    HybridConfig: HybridDecoder,
    RecurrentConfig: RecurrentDecoder,
}


def build_encoder(config: VAEConfig, options: OwnOptions, seed: int) -> AbstractEncoder:
    """Returns the encoder of a model, with initial weights that depend on `seed` alone."""
    if isinstance(config.encoder, OwnConfig):
        name = config.encoder.function
        return OwnEncoder(name, options[name], config.image_shape, seed)
    encoder = _ENCODERS[type(config.encoder)]
    built: AbstractEncoder = encoder(config.encoder, config.image_shape, seed)
    return built


def build_decoder(config: VAEConfig, options: OwnOptions, seed: int) -> AbstractDecoder:
    """Returns the decoder of a model, with initial weights that depend on `seed` alone."""
    if isinstance(config.decoder, OwnConfig):
        name = config.decoder.function
        return OwnDecoder(name, options[name], config.latent_dim, config.image_shape, seed)
    decoder = _DECODERS[type(config.decoder)]
    built: AbstractDecoder = decoder(config.decoder, config.latent_dim, config.image_shape, seed)
    return built
