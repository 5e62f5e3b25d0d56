"""From a config to its encoder and its decoder."""

from typing import Any, Final

from vaemodels.config import ConvConfig, DenseConfig, HybridConfig, RecurrentConfig, VAEConfig
from vaemodels.decoders import (
    AbstractDecoder,
    ConvDecoder,
    DenseDecoder,
    HybridDecoder,
    RecurrentDecoder,
)
from vaemodels.encoders import (
    AbstractEncoder,
    ConvEncoder,
    DenseEncoder,
    HybridEncoder,
    RecurrentEncoder,
)

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


def build_encoder(config: VAEConfig, seed: int) -> AbstractEncoder:
    """Returns the encoder of a model, with initial weights that depend on `seed` alone."""
    encoder = _ENCODERS[type(config.encoder)]
    built: AbstractEncoder = encoder(config.encoder, config.image_shape, seed)
    return built


def build_decoder(config: VAEConfig, seed: int) -> AbstractDecoder:
    """Returns the decoder of a model, with initial weights that depend on `seed` alone."""
    decoder = _DECODERS[type(config.decoder)]
    built: AbstractDecoder = decoder(config.decoder, config.latent_dim, config.image_shape, seed)
    return built
