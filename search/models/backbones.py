"""From the flat params of a trial to the configurations of its encoder and decoder."""

from collections.abc import Mapping
from typing import Any, Final

from search.errors import StudyConfigError
from search.trial import ParamValue
from vaemodels.config import (
    BackboneConfig,
    ConvConfig,
    DenseConfig,
    HybridConfig,
    RecurrentConfig,
)

# backbone -> the params that mean something to it, besides `activation`.
_PARAMS: Final[dict[str, frozenset[str]]] = {
    "dense": frozenset({"widths", "decoder_widths", "dropout", "batch_norm"}),
    "conv": frozenset(
        {"widths", "decoder_widths", "dropout", "batch_norm", "filters", "decoder_filters"}
        | {"kernel_size", "strides", "padding", "pool"}
    ),
    "recurrent": frozenset({"cell", "units", "decoder_units", "dropout"}),
    "hybrid": frozenset({"encoder_layers", "decoder_layers"}),
}
_ALL: Final = frozenset().union(*_PARAMS.values())

Pair = tuple[BackboneConfig, BackboneConfig]


def backbones(params: Mapping[str, ParamValue]) -> Pair:
    """Returns encoder and decoder; the decoder mirrors the encoder unless told otherwise.

    Raises:
        StudyConfigError: If a param means nothing to the backbone, or a value is out of range.
    """
    kind = params.get("backbone", "dense")
    if kind not in _PARAMS:
        names = ", ".join(_PARAMS)
        raise StudyConfigError(f"`backbone` must be one of {names}. Received: {kind!r}.")
    # Lists of layers can only be fixed, for all trials: they wait for those that are hybrids.
    for name in sorted((_ALL - _PARAMS["hybrid"]) & set(params)):
        if name not in _PARAMS[str(kind)]:
            owners = [other for other, known in _PARAMS.items() if name in known]
            condition = owners[0] if len(owners) == 1 else f"[{', '.join(owners)}]"
            raise StudyConfigError(
                f"`{name}` means nothing to `backbone: {kind}`; give it "
                f"`when: {{backbone: {condition}}}`."
            )
    build = {"dense": _dense, "conv": _conv, "recurrent": _recurrent, "hybrid": _hybrid}
    try:
        return build[str(kind)](params)
    except (ValueError, TypeError) as error:
        raise StudyConfigError(str(error)) from error


def ignored(params: Mapping[str, ParamValue]) -> set[str]:
    """Returns those params of a backbone that change nothing, because functions of the user's make
    the encoder or the decoder that they are about."""
    names = (_ALL - _PARAMS["hybrid"]) & set(params)
    own = {half for half in ("encoder", "decoder") if params.get(half) is not None}
    if own == {"encoder", "decoder"}:
        return set(names)
    return {name for name in names if "decoder" in own and name.startswith("decoder_")}


def _shared(params: Mapping[str, ParamValue], *names: str) -> dict[str, Any]:
    return {name: params[name] for name in names if name in params}


def _dense(params: Mapping[str, ParamValue]) -> Pair:
    layers = _shared(params, "activation", "dropout", "batch_norm")
    widths = _list(params, "widths", [256, 128])
    decoder_widths = _list(params, "decoder_widths", widths[::-1])
    return DenseConfig(widths=widths, **layers), DenseConfig(widths=decoder_widths, **layers)


def _conv(params: Mapping[str, ParamValue]) -> Pair:
    layers = _shared(params, "activation", "dropout", "batch_norm", "padding")
    filters = _list(params, "filters", [32, 64])
    widths = _list(params, "widths", [])
    kernels, strides = _list(params, "kernel_size", [3]), _list(params, "strides", [2])
    pool: Any = params.get("pool", "none")
    encoder = ConvConfig(
        filters=filters,
        kernel_sizes=kernels,
        strides=strides,
        widths=widths,
        pool=None if pool == "none" else pool,
        **layers,
    )
    decoder = ConvConfig(
        filters=_list(params, "decoder_filters", filters[::-1]),
        kernel_sizes=kernels[::-1],
        strides=strides[::-1],
        widths=_list(params, "decoder_widths", widths[::-1]),
        **layers,
    )
    return encoder, decoder


def _recurrent(params: Mapping[str, ParamValue]) -> Pair:
    layers = _shared(params, "activation", "dropout", "cell")
    units = _list(params, "units", [128])
    decoder_units = _list(params, "decoder_units", units[::-1])
    return RecurrentConfig(units=units, **layers), RecurrentConfig(units=decoder_units, **layers)


def _hybrid(params: Mapping[str, ParamValue]) -> Pair:
    for name in ("encoder_layers", "decoder_layers"):
        if not isinstance(params.get(name), list):
            raise StudyConfigError(
                f"`backbone: hybrid` needs a list `{name}` under `fixed`, such as "
                "[{layer: dense, units: 64}, {layer: dense, units: 32}]. "
                f"Received: {params.get(name)!r}."
            )
    layers = _shared(params, "activation")
    encoder: Any = params["encoder_layers"]
    decoder: Any = params["decoder_layers"]
    return HybridConfig(layers=encoder, **layers), HybridConfig(layers=decoder, **layers)


def _list(params: Mapping[str, ParamValue], name: str, default: tuple[Any, ...] | list[Any]) -> Any:
    """Returns a tuple: of a list, of one value, or of text such as "512-256-128"."""
    value = params.get(name, list(default))
    if isinstance(value, str):
        parts = value.split("-")
        if not all(part.isdecimal() for part in parts):
            raise StudyConfigError(
                f"`{name}` must be a list of whole numbers, or text such as 512-256-128. "
                f"Received: {value!r}."
            )
        return tuple(int(part) for part in parts)
    return tuple(value) if isinstance(value, list) else (value,)
