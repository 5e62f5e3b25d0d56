"""What the configurations share: checks of fields, and the JSON round trip."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from vaemodels.checks import check_one_of, is_integer, is_number, refuse

ACTIVATIONS = (
    "elu",
    "gelu",
    "leaky_relu",  # slope 0.2
    "leaky_relu_0.3",
    "linear",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
)

Config = TypeVar("Config")


def set_integers(config: Any, name: str, *, allow_empty: bool) -> None:
    """Stores the field `name` as a tuple of integers >= 1, or refuses it."""
    values = getattr(config, name)
    expected = "a tuple of integers >= 1" if allow_empty else "a non-empty tuple of integers >= 1"
    if not isinstance(values, tuple | list) or (not values and not allow_empty):
        raise refuse(name, expected, values)
    if not all(is_integer(value) and value >= 1 for value in values):
        raise refuse(name, expected, values)
    object.__setattr__(config, name, tuple(values))


def check_layers(config: Any) -> None:
    check_one_of(ACTIVATIONS, activation=config.activation)
    if not is_number(config.dropout) or not 0 <= config.dropout < 1:
        raise refuse("dropout", "a number from 0 to below 1", config.dropout)
    check_one_of((False, True), batch_norm=config.batch_norm)


def plain(config: Any) -> dict[str, Any]:
    """Returns the fields of a flat config as JSON values: tuples become lists."""
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}


def from_plain(cls: type[Config], values: Mapping[str, Any]) -> Config:
    """Returns `cls(**values)` after refusing unknown and missing keys by name."""
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise ValueError(
                f"Invalid key for `{cls.__name__}`. Expected one of {', '.join(fields)}. "
                f"Received: {key!r}. Remove or rename it."
            )
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING
        required = required and field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise ValueError(
                f"Missing key for `{cls.__name__}`. Expected a value for `{name}`. "
                f"Received: {sorted(values)}. Add it."
            )
    return cls(**values)
