"""The kinds of encoders and decoders."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from vaemodels.checks import refuse
from vaemodels.config.conv import ConvConfig
from vaemodels.config.dense import DenseConfig
from vaemodels.config.hybrid import HybridConfig
from vaemodels.config.own import OwnConfig
from vaemodels.config.recurrent import RecurrentConfig

StockConfig: TypeAlias = DenseConfig | ConvConfig | HybridConfig | RecurrentConfig
BackboneConfig: TypeAlias = StockConfig | OwnConfig

_KINDS: Final[dict[str, Any]] = {
    "dense": DenseConfig,
    "conv": ConvConfig,
    "hybrid": HybridConfig,
    "recurrent": RecurrentConfig,
    "own": OwnConfig,
}


def backbone_from_json(name: str, value: Any) -> BackboneConfig:
    """Returns the config of `to_json`, or `value` itself where it is one already.

    Raises:
        ValueError: Naming the field `name`, if it is neither.
    """
    if isinstance(value, BackboneConfig):
        return value
    if not isinstance(value, Mapping) or value.get("kind") not in list(_KINDS):
        kinds = ", ".join(repr(kind) for kind in _KINDS)
        raise refuse(name, f"a mapping with a `kind` of {kinds}", value)
    config: BackboneConfig = _KINDS[value["kind"]].from_json(value)
    return config


def check_decoder(
    config: BackboneConfig, image_shape: tuple[int, int, int], latent_dim: int
) -> None:
    """Checks what a backbone must be besides correct in order to lead from `z` to an image.

    Args:
        config: The backbone.
        image_shape: (height, width, channels).
        latent_dim: Integer >= 1, length of `z`.

    Raises:
        ValueError: If it pools without a way back, or ends in anything but the linear outputs.
    """
    if isinstance(config, ConvConfig) and config.pool is not None:
        advice = "Pooling cannot be undone: set strides in the decoder instead."
        raise refuse("decoder.pool", "None", config.pool, advice)
    if isinstance(config, HybridConfig):
        config.check_output(image_shape, latent_dim)
