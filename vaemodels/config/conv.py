import dataclasses
from collections.abc import Mapping
from typing import Any, final

from vaemodels.checks import check_one_of, refuse
from vaemodels.config.plain import check_layers, from_plain, plain, set_integers


@final
@dataclasses.dataclass(frozen=True)
class ConvConfig:
    """A stack of (transposed) convolutions, with dense layers on the side of `z`.

    A one-element tuple of kernel sizes or strides holds for every layer. An encoder may pool
    (window 2, stride 2) after every convolution; a decoder cannot, its strides enlarge instead.

    Args:
        filters: Channels of the convolutions, in the order in which data passes them.
        kernel_sizes: Side lengths of the square kernels, in pixels.
        strides: Strides, in pixels; in a decoder the factors of enlargement.
        padding: "same" or "valid".
        pool: None, "max" or "average".
        widths: Units of the dense layers after an encoder's or before a decoder's convolutions.
        activation: One of `ACTIVATIONS`, of every hidden layer.
        dropout: Rate in [0, 1), once after the convolutions and after every dense layer.
        batch_norm: Whether to normalise before every activation.

    Raises:
        ValueError: If a value is outside its range.
    """

    filters: tuple[int, ...] = (32, 64)
    kernel_sizes: tuple[int, ...] = (3,)
    strides: tuple[int, ...] = (2,)
    padding: str = "same"
    pool: str | None = None
    widths: tuple[int, ...] = ()
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False

    def __post_init__(self) -> None:
        set_integers(self, "filters", allow_empty=False)
        for name in ("kernel_sizes", "strides"):
            set_integers(self, name, allow_empty=False)
            values = getattr(self, name)
            if len(values) not in (1, len(self.filters)):
                raise refuse(name, f"1 or {len(self.filters)} values, as many as `filters`", values)
        set_integers(self, "widths", allow_empty=True)
        check_one_of(("same", "valid"), padding=self.padding)
        check_one_of((None, "max", "average"), pool=self.pool)
        check_layers(self)

    @property
    def layers(self) -> tuple[tuple[int, int, int], ...]:
        """(filters, kernel size, stride) of every convolution."""
        count = len(self.filters)
        kernels = self.kernel_sizes * count if len(self.kernel_sizes) == 1 else self.kernel_sizes
        strides = self.strides * count if len(self.strides) == 1 else self.strides
        return tuple(zip(self.filters, kernels, strides, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Returns the config as plain values, with its `kind`."""
        return {"kind": "conv", **plain(self)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "ConvConfig":
        """Returns the config of `to_json`; an unknown key raises `ValueError`."""
        return from_plain(ConvConfig, {k: v for k, v in values.items() if k != "kind"})
