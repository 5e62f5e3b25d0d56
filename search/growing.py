"""Larger search spaces: wider ranges and more choices, in which every old trial has its place."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from search.config import StudyConfig, replaced
from search.errors import StudyConfigError, suggestion
from search.space import Scalar

Range = tuple[float | int | None, float | int | None]


def grown(
    config: StudyConfig,
    widen: Mapping[str, Range],
    add_choices: Mapping[str, Sequence[Scalar]],
) -> StudyConfig:
    """Returns the study with a larger space.

    Args:
        config: The study file.
        widen: Parameter -> its new (low, high); None leaves an end as it is.
        add_choices: Parameter -> further choices.

    Raises:
        StudyConfigError: If a parameter is not there or of another type, a range would exclude
            values that were tried, or nothing is new.
    """
    space = config.model_dump(mode="json")["space"]
    for name, (low, high) in widen.items():
        section = _section(space, name, "has no range; --add-choice adds to it", ("float", "int"))
        old = section["low"], section["high"]
        new = old[0] if low is None else low, old[1] if high is None else high
        if new == old or new[0] > old[0] or new[1] < old[1]:
            raise StudyConfigError(
                f"`{name}` has the range {old[0]:g} to {old[1]:g}; a wider one has to hold all of "
                f"it and more. Received: {new[0]:g} to {new[1]:g}."
            )
        _check_steps(name, section, new[0])
        space[name] = {**section, "low": new[0], "high": new[1]}
    for name, choices in add_choices.items():
        section = _section(space, name, "has a range; --widen changes it", ("categorical",))
        if known := [choice for choice in choices if choice in section["choices"]]:
            raise StudyConfigError(f"`{name}` has the choice {known[0]!r} already.")
        if odd := [choice for choice in choices if not _is_scalar(choice)]:
            raise StudyConfigError(
                f"A choice of `{name}` is a number, a word, true, false or null, and stands alone. "
                f"Received: {odd[0]!r}."
            )
        space[name] = {**section, "choices": [*section["choices"], *choices]}
    return replaced({**config.model_dump(mode="json"), "space": space})


def _is_scalar(value: Any) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) in (bool, int, str)


def _check_steps(name: str, section: Mapping[str, Any], low: float) -> None:
    """Refuses a lower end from which the steps would pass by all values that were tried."""
    step = section["step"] or 1
    steps = (section["low"] - low) / step
    if section["step"] is not None and abs(steps - round(steps)) > 1e-8:
        nearest = section["low"] - math.ceil(steps) * step
        raise StudyConfigError(
            f"`{name}` goes in steps of {step:g}: a lower end must be whole steps below "
            f"{section['low']:g}, such as {nearest:g}. Received: {low:g}."
        )


def _section(space: Mapping[str, Any], name: str, advice: str, types: Sequence[str]) -> Any:
    if name not in space:
        raise StudyConfigError(f"`{name}` is not in the space{suggestion(name, space)}")
    if space[name]["type"] not in types:
        raise StudyConfigError(f"`{name}` is of type {space[name]['type']} and {advice}.")
    return space[name]
