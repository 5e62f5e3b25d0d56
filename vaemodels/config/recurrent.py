import dataclasses
from collections.abc import Mapping
from typing import Any, final

from vaemodels.checks import check_one_of, is_number, refuse
from vaemodels.config.plain import ACTIVATIONS, from_plain, plain, set_integers


@final
@dataclasses.dataclass(frozen=True)
class RecurrentConfig:
    """Stacked recurrent layers over the rows of the image, from top to bottom.

    An encoder's features are the last state of its last layer. A decoder gets `z` at every row
    and never its own output (it is not autoregressive), and ends in one linear layer that all
    rows share.

    Args:
        cell: "gru" or "lstm".
        units: Units of the layers, in the order in which data passes them.
        activation: One of `ACTIVATIONS`, of the candidate states; the gates have sigmoids. "tanh"
            keeps the states bounded over many rows.
        dropout: Rate in [0, 1) after every layer.

    Raises:
        ValueError: If a value is outside its range.
    """

    cell: str = "gru"
    units: tuple[int, ...] = (128,)
    activation: str = "tanh"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_one_of(("gru", "lstm"), cell=self.cell)
        set_integers(self, "units", allow_empty=False)
        check_one_of(ACTIVATIONS, activation=self.activation)
        if not is_number(self.dropout) or not 0 <= self.dropout < 1:
            raise refuse("dropout", "a number from 0 to below 1", self.dropout)

    def to_json(self) -> dict[str, Any]:
        """Returns the config as plain values, with its `kind`."""
        return {"kind": "recurrent", **plain(self)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "RecurrentConfig":
        """Returns the config of `to_json`; an unknown key raises `ValueError`."""
        return from_plain(RecurrentConfig, {k: v for k, v in values.items() if k != "kind"})
