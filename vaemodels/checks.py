"""Argument checks, so that every refusal in this package is phrased the same way."""

import math
from collections.abc import Iterable
from typing import Any


def refuse(name: str, expected: str, received: Any, advice: str = "") -> ValueError:
    """Returns the error to raise for a wrong value of the argument `name`."""
    ending = f" {advice}" if advice else ""
    return ValueError(
        f"Invalid value for `{name}`. Expected {expected}. Received: {name}={received!r}.{ending}"
    )


def is_integer(value: Any) -> bool:
    """Returns whether `value` is an int and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Returns whether `value` is a finite int or float and not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_at_least(minimum: int, **arguments: int) -> None:
    """Raises `ValueError` naming the first keyword argument that is no integer >= `minimum`."""
    for name, value in arguments.items():
        if not is_integer(value) or value < minimum:
            raise refuse(name, f"an integer >= {minimum}", value)


def check_number_at_least(minimum: float, **arguments: float) -> None:
    """Raises `ValueError` naming the first keyword argument that is no finite number >= it."""
    for name, value in arguments.items():
        if not is_number(value) or value < minimum:
            raise refuse(name, f"a finite number >= {minimum}", value)


def check_positive(**arguments: float) -> None:
    """Raises `ValueError` naming the first keyword argument that is no finite number > 0."""
    for name, value in arguments.items():
        if not is_number(value) or value <= 0:
            raise refuse(name, "a finite number > 0", value)


def check_in_range(low: float, high: float, **arguments: float) -> None:
    """Raises `ValueError` naming the first keyword argument outside `low <= value <= high`."""
    for name, value in arguments.items():
        if not is_number(value) or not low <= value <= high:
            raise refuse(name, f"a number from {low} to {high}", value)


def check_one_of(choices: Iterable[Any], **arguments: Any) -> None:
    """Raises `ValueError` naming the first keyword argument that is not among `choices`."""
    allowed = list(choices)
    for name, value in arguments.items():
        if value not in allowed:
            listed = ", ".join(repr(choice) for choice in allowed)
            raise refuse(name, f"one of {listed}", value)
