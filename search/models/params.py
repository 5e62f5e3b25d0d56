"""From the flat params of a trial to the configurations of `vaemodels`."""

from collections.abc import Mapping
from typing import Any

from search.errors import StudyConfigError
from search.trial import ParamValue
from vaemodels.config import ConvConfig, DenseConfig, TrainingConfig, VAEConfig

_MODEL = ("variant", "latent_dim", "beta", "likelihood", "variance", "standardize")
_TRAINING = ("learning_rate", "batch_size", "beta_warmup_epochs")
_LAYERS = ("activation", "dropout", "batch_norm")
_CONV_ONLY = ("filters", "decoder_filters", "kernel_size", "strides", "padding", "pool")


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
    encoder, decoder = _backbones(params)
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
            **{"latent_dim": 8, **chosen},  # type: ignore[arg-type]
        )
    except (ValueError, TypeError) as error:
        raise StudyConfigError(str(error)) from error


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


def _backbones(
    params: Mapping[str, ParamValue],
) -> tuple[DenseConfig | ConvConfig, DenseConfig | ConvConfig]:
    backbone = params.get("backbone", "dense")
    layers: dict[str, Any] = {name: params[name] for name in _LAYERS if name in params}
    if backbone not in ("dense", "conv"):
        raise StudyConfigError(f"`backbone` must be dense or conv. Received: {backbone!r}.")
    if backbone == "dense":
        if given := [name for name in _CONV_ONLY if name in params]:
            raise StudyConfigError(
                f"`{given[0]}` means nothing to `backbone: dense`; give it "
                "`when: {backbone: conv}`."
            )
        build, encoder, decoder = _dense(params, layers)
    else:
        build, encoder, decoder = _conv(params, layers)
    try:
        return build(**encoder), build(**decoder)
    except (ValueError, TypeError) as error:
        raise StudyConfigError(str(error)) from error


def _dense(params: Mapping[str, ParamValue], layers: dict[str, Any]) -> Any:
    widths = _list(params, "widths", [256, 128])
    decoder_widths = _list(params, "decoder_widths", widths[::-1])
    return DenseConfig, {"widths": widths, **layers}, {"widths": decoder_widths, **layers}


def _conv(params: Mapping[str, ParamValue], layers: dict[str, Any]) -> Any:
    filters = _list(params, "filters", [32, 64])
    widths = _list(params, "widths", [])
    kernels, strides = _list(params, "kernel_size", [3]), _list(params, "strides", [2])
    layers = {**layers, "padding": params.get("padding", "same")}
    pool = params.get("pool", "none")
    encoder = {
        "filters": filters,
        "kernel_sizes": kernels,
        "strides": strides,
        "widths": widths,
        "pool": None if pool == "none" else pool,
        **layers,
    }
    decoder = {
        "filters": _list(params, "decoder_filters", filters[::-1]),
        "kernel_sizes": kernels[::-1],
        "strides": strides[::-1],
        "widths": _list(params, "decoder_widths", widths[::-1]),
        **layers,
    }
    return ConvConfig, encoder, decoder


def _list(params: Mapping[str, ParamValue], name: str, default: tuple[Any, ...] | list[Any]) -> Any:
    value = params.get(name, list(default))
    return tuple(value) if isinstance(value, list) else (value,)
