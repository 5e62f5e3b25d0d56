"""Values on the command line, written as in a study file."""

import re
from collections.abc import Container
from typing import Any

import typer
import yaml

_POWER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?[eE][+-]?[0-9]+")  # YAML takes 1e-3 for text


def named_value(text: str, option: str, example: str) -> tuple[str, Any]:
    """Returns name and value of "beta=0.5" and the like.

    Raises:
        typer.BadParameter: If it is no such pair.
    """
    name, equals, value = text.partition("=")
    if name and equals and value:
        try:
            found = yaml.safe_load(value)
            is_power = isinstance(found, str) and _POWER.fullmatch(found)
            return name, float(found) if is_power else found
        except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError):
            pass  # the same answer as to what is no pair
    raise typer.BadParameter(f"expected {example}. Received: {text[:200]!r}.", param_hint=option)


def check_new(name: str, given: Container[str], option: str) -> None:
    """Refuses a name that was given before: only one of its values could count.

    Raises:
        typer.BadParameter: If it was.
    """
    if name in given:
        raise typer.BadParameter(f"`{name}` is given twice. Say it once.", param_hint=option)


def above_zero(value: float | None) -> float | None:
    """Refuses 0 and less, as an option's callback: `min=0.0` lets 0 pass.

    Raises:
        typer.BadParameter: If the value is not above 0.
    """
    if value is not None and not value > 0:
        raise typer.BadParameter(f"expected a number above 0. Received: {value:g}.")
    return value
