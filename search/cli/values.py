"""Values on the command line, written as in a study file."""

import re
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
