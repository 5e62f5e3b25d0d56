import dataclasses
from collections.abc import Mapping
from typing import Any, final

from vaemodels.config.plain import check_layers, from_plain, plain, set_integers


@final
@dataclasses.dataclass(frozen=True)
class DenseConfig:
    """A stack of dense layers.

    Args:
        widths: Units of the hidden layers, in the order in which data passes them; () is a linear
            map without hidden layer.
        activation: One of `ACTIVATIONS`, of every hidden layer.
        dropout: Rate in [0, 1) after every hidden layer.
        batch_norm: Whether to normalise before every activation.

    Raises:
        ValueError: If a value is outside its range.
    """

    widths: tuple[int, ...] = (256, 128)
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False

    def __post_init__(self) -> None:
        set_integers(self, "widths", allow_empty=True)
        check_layers(self)

    def to_json(self) -> dict[str, Any]:
        """Returns the config as plain values, with its `kind`."""
        return {"kind": "dense", **plain(self)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "DenseConfig":
        """Returns the config of `to_json`; an unknown key raises `ValueError`."""
        return from_plain(DenseConfig, {k: v for k, v in values.items() if k != "kind"})
