"""From the flat params of a trial to the configurations of `vaemodels`."""

from collections.abc import Mapping
from typing import Any

from search.errors import StudyConfigError
from search.models.backbones import backbones
from search.models.vocabulary import OWN
from search.trial import ParamValue
from vaemodels.config import (
    BackboneConfig,
    LatentSamplerConfig,
    OwnConfig,
    TrainingConfig,
    VAEConfig,
)
from vaemodels.config.variants import VARIANTS

_MODEL = (
    "variant",
    "prior",
    "posterior",
    "latent_dim",
    "beta",
    "concentration",
    "num_components",
    "free_bits",
    "decoder_l2",
    "likelihood",
    "variance",
    "standardize",
)
_TRAINING = ("learning_rate", "batch_size", "beta_warmup_epochs", "beta_cycle_epochs")


def model_config(params: Mapping[str, ParamValue], image_shape: tuple[int, int, int]) -> VAEConfig:
    """Returns the model that `params` describe; what they leave out has the default.

    Encoder and decoder are mirror images unless `decoder_widths` or `decoder_filters` say
    otherwise: `filters: [32, 64]` gives a decoder of 64 and 32.

    Args:
        params: Names of `search.models.vocabulary.MODEL_PARAMS`.
        image_shape: `(height, width, channels)`.

    Raises:
        StudyConfigError: If the values do not make a model; the message says which and why.
    """
    encoder, decoder = backbones(params)
    encoder, decoder = _own_half(params, "encoder", encoder), _own_half(params, "decoder", decoder)
    is_bernoulli = params.get("likelihood", "bernoulli") == "bernoulli"
    if is_bernoulli and params.get("variance") is not None:
        raise StudyConfigError(
            "`variance` means nothing to `likelihood: bernoulli`; fix `likelihood: gaussian`, or "
            "give `variance` a `when: {likelihood: gaussian}`."
        )
    chosen = {name: params[name] for name in _MODEL if params.get(name) is not None}
    if isinstance(chosen.get("standardize"), list):
        chosen["standardize"] = tuple(chosen["standardize"])  # type: ignore[arg-type, assignment]
    try:
        return VAEConfig(
            image_shape=image_shape,
            encoder=encoder,
            decoder=decoder,
            own={name.removeprefix(OWN): v for name, v in params.items() if name.startswith(OWN)},
            **{"latent_dim": 8, **chosen},  # type: ignore[arg-type]
        )
    except (ValueError, TypeError) as error:
        raise StudyConfigError(str(error)) from error


def _own_half(params: Mapping[str, ParamValue], name: str, stock: BackboneConfig) -> BackboneConfig:
    """Returns the encoder or decoder that a function of the user's makes, if one is named."""
    function = params.get(name)
    if function is None:
        return stock
    try:
        return OwnConfig(function)  # type: ignore[arg-type]
    except ValueError as error:
        raise StudyConfigError(f"`{name}`: {error}") from error


def training_config(params: Mapping[str, ParamValue], epochs: int, seed: int) -> TrainingConfig:
    """Returns how `params` say to train, for `epochs` epochs.

    Raises:
        StudyConfigError: If a value is out of range.
    """
    chosen: dict[str, Any] = {name: params[name] for name in _TRAINING if name in params}
    try:
        return TrainingConfig(epochs=epochs, seed=seed, **chosen)
    except (ValueError, TypeError) as error:
        raise StudyConfigError(str(error)) from error


def own_sampler(params: Mapping[str, ParamValue]) -> LatentSamplerConfig:
    """Returns how a trial draws the latent vectors of the images by which it is judged first.

    Raises:
        StudyConfigError: If a value is out of range.
    """
    variant = VARIANTS.get(str(params.get("variant", "vae")), VARIANTS["vae"])
    kind = params.get("latent_sampler", variant.latent_sampler)
    scale, shift = params.get("latent_scale", 1.0), params.get("latent_shift", 0.0)
    try:
        return LatentSamplerConfig(kind, scale, shift)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise StudyConfigError(str(error)) from error
