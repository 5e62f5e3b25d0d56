"""Values on the command line, written as in a study file."""

import re
from collections.abc import Container
from typing import Any

import typer
import yaml

from search.growing import Range

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


def number_of_trials(text: str | None) -> tuple[int | None, bool]:
    """Returns the number of `N` or `+N`, and whether it is meant on top of what there is."""
    if text is None:
        return None, False
    digits = text.removeprefix("+")
    if not re.fullmatch("[0-9]+", digits) or int(digits) == 0:
        raise typer.BadParameter(
            f"expected a number such as 40, or +10 for ten more. Received: {text!r}.",
            param_hint="--trials",
        )
    return int(digits), text.startswith("+")


def ranges_of(texts: list[str]) -> dict[str, Range]:
    """Returns name -> (low, high) of "beta=0.01:10" and the like."""
    ranges: dict[str, Range] = {}
    for text in texts:
        name, _, ends = text.partition("=")
        low, colon, high = ends.partition(":")
        check_new(name, ranges, "--widen")
        try:
            ranges[name] = _number(low), _number(high)
        except ValueError:
            colon = ""
        if not (name and colon and (low or high)):
            raise typer.BadParameter(
                f"expected NAME=LOW:HIGH, such as beta=0.01:10. Received: {text!r}.",
                param_hint="--widen",
            )
    return ranges


def _number(text: str) -> float | int | None:
    if not text:
        return None
    return int(text) if re.fullmatch("[+-]?[0-9]+", text) else float(text)


def choices_of(texts: list[str]) -> dict[str, list[Any]]:
    """Returns name -> further choices of "variant=dirvae" and the like."""
    choices: dict[str, list[Any]] = {}
    for text in texts:
        name, value = named_value(text, "--add-choice", "NAME=VALUE, such as variant=dirvae")
        choices.setdefault(name, []).append(value)
    return choices
