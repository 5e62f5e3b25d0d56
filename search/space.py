"""Parameters of a search space. A space is a plain mapping from name to parameter."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol, TypeAlias, final

from search.errors import StudyConfigError, suggestion
from search.trial import Params, ParamValue

Scalar: TypeAlias = bool | int | float | str | None
Condition: TypeAlias = Mapping[str, tuple[Scalar, ...]]  # name -> values under which we exist


class Suggester(Protocol):
    """What proposes one value; Optuna's trial is one."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float: ...

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int: ...

    def suggest_categorical(self, name: str, choices: tuple[Scalar, ...]) -> Scalar: ...


@final
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Float:
    """A real parameter on the closed interval [low, high].

    Args:
        low: Smallest value.
        high: Largest value.
        log: Spread proposals evenly over magnitudes instead of values.
        step: Distance of neighbouring values, from `low` on; not together with `log`. The last one
            may lie below `high`.
        length: How many values to propose: a number, or the name of an integer parameter.
        when: Values of other parameters under which this one exists.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    length: int | str | None = None
    when: Condition = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise StudyConfigError(
                f"Expected finite `low` < `high`. Received: low={self.low}, high={self.high}. "
                "A value that does not vary belongs under `fixed`."
            )
        if self.log and self.low <= 0:
            raise StudyConfigError(
                f"Expected `low` > 0 with `log: true`. Received: low={self.low}. "
                "Raise `low` or drop `log`."
            )
        _check_step(self.log, self.step)

    def contains(self, value: ParamValue) -> bool:
        """Returns whether `value` is a legal choice; `True` and `False` are not numbers here."""
        if not (type(value) in (int, float) and self.low <= value <= self.high):  # type: ignore[operator]
            return False
        steps = 0.0 if self.step is None else (float(value) - self.low) / self.step  # type: ignore[arg-type]
        return abs(steps - round(steps)) < 1e-8

    def suggest(self, suggester: Suggester, name: str) -> float:
        """Returns a proposed value."""
        return suggester.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def grid(self) -> tuple[float, ...] | None:
        """Returns every legal value, or None if there are infinitely many."""
        if self.step is None:
            return None
        # In decimals, as they are written: 3 * 0.1 would be beyond 0.3.
        low, high, step = (Decimal(str(value)) for value in (self.low, self.high, self.step))
        return tuple(float(low + index * step) for index in range(int((high - low) / step) + 1))


@final
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Int:
    """A whole-number parameter from `low` to `high`, both included. Arguments as `Float`."""

    low: int
    high: int
    log: bool = False
    step: int | None = None
    length: int | str | None = None
    when: Condition = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.low >= self.high or (self.log and self.low < 1):
            raise StudyConfigError(
                "Expected `low` < `high`, and `low` >= 1 with `log: true`. "
                f"Received: low={self.low}, high={self.high}, log={self.log}. "
                "A value that does not vary belongs under `fixed`."
            )
        _check_step(self.log, self.step)

    def contains(self, value: ParamValue) -> bool:
        """Returns whether `value` is a legal choice for this parameter."""
        on_grid = type(value) is int and (value - self.low) % (self.step or 1) == 0
        return on_grid and self.low <= value <= self.high  # type: ignore[operator]

    def suggest(self, suggester: Suggester, name: str) -> int:
        """Returns a proposed value."""
        return suggester.suggest_int(name, self.low, self.high, step=self.step or 1, log=self.log)

    def grid(self) -> Sequence[int] | None:
        """Returns every legal value."""
        return range(self.low, self.high + 1, self.step or 1)


@final
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Categorical:
    """A choice among unordered values. `length` and `when` as in `Float`."""

    choices: tuple[Scalar, ...]
    length: int | str | None = None
    when: Condition = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        distinct = set(
            self.choices
        )  # 1, 1.0 and true are one choice: Optuna cannot tell them apart
        if len(distinct) < 2 or len(distinct) != len(self.choices):
            raise StudyConfigError(
                f"Expected at least 2 distinct choices. Received: choices={list(self.choices)}. "
                "A value that does not vary belongs under `fixed`."
            )

    def contains(self, value: ParamValue) -> bool:
        """Returns whether `value` is a legal choice for this parameter."""
        return any(type(value) is type(choice) and value == choice for choice in self.choices)

    def suggest(self, suggester: Suggester, name: str) -> Scalar:
        """Returns a proposed value."""
        return suggester.suggest_categorical(name, self.choices)

    def grid(self) -> tuple[Scalar, ...] | None:
        """Returns every legal value."""
        return self.choices


Parameter: TypeAlias = Float | Int | Categorical
SearchSpace: TypeAlias = Mapping[str, Parameter]


def _check_step(log: bool, step: float | None) -> None:
    if step is not None and (log or step <= 0):
        raise StudyConfigError(
            f"Expected `step` > 0, and no `step` with `log: true`. Received: {step=}, {log=}. "
            "Drop one of the two."
        )


def ordered(space: SearchSpace, fixed: Mapping[str, ParamValue]) -> list[str]:
    """Returns the names with every parameter after those it depends on.

    Raises:
        StudyConfigError: If a `when` or `length` names an unknown parameter, or they form a circle.
    """
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done or name in fixed:
            return
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            message = f"Parameters depend on each other: {circle}. Drop one `when` or `length`."
            raise StudyConfigError(message, ("space", name))
        for needed in dependencies(space[name]):
            if needed not in space and needed not in fixed:
                raise StudyConfigError(
                    f"Parameter `{name}` depends on `{needed}`, which is neither in `space` nor "
                    f"in `fixed`. Known: {sorted({*space, *fixed})}.",
                    ("space", name),
                )
            visit(needed, (*path, name))
        done.append(name)

    for name in space:
        visit(name, ())
    return done


def dependencies(parameter: Parameter) -> list[str]:
    """Returns the names of the parameters that decide whether, or how often, this one exists."""
    by_length = [parameter.length] if isinstance(parameter.length, str) else []
    return [*parameter.when, *by_length]


def is_active(parameter: Parameter, params: Mapping[str, ParamValue]) -> bool:
    """Returns whether the parameter exists beside `params`; a list needs its length there."""
    if isinstance(parameter.length, str) and parameter.length not in params:
        return False
    return all(name in params and params[name] in values for name, values in parameter.when.items())


def item_names(name: str, parameter: Parameter, params: Mapping[str, ParamValue]) -> Iterator[str]:
    """Yields the names under which a sampler sees the parameter: itself, or one per list item."""
    if parameter.length is None:
        yield name
        return
    length = params[parameter.length] if isinstance(parameter.length, str) else parameter.length
    if type(length) is not int or length < 0:
        raise StudyConfigError(
            f"The length of the list `{name}` must be a whole number >= 0. Received: {length!r}."
        )
    yield from (f"{name}[{index}]" for index in range(length))


def suggest_params(space: SearchSpace, fixed: Params, suggester: Suggester) -> Params:
    """Returns one point of the space, proposed value by value; lists become lists."""
    params: Params = {}
    for name in ordered(space, fixed):
        parameter = space[name]
        seen = {**fixed, **params}
        if not is_active(parameter, seen):
            continue
        values = [parameter.suggest(suggester, item) for item in item_names(name, parameter, seen)]
        params[name] = values[0] if parameter.length is None else values  # type: ignore[assignment]
    return params


def flat_items(
    space: SearchSpace, fixed: Params, params: Mapping[str, ParamValue]
) -> dict[str, Scalar]:
    """Returns `params` under a sampler's names, `widths[0]` for the first of a list.

    Raises:
        StudyConfigError: If a name is unknown, a value illegal, or a list of the wrong length.
    """
    for name in params:
        if name not in space:
            raise StudyConfigError(
                f"`{name}` is not in the space{suggestion(name, sorted(space))}", (name,)
            )
    flat: dict[str, Scalar] = {}
    beside = {**fixed, **params}
    for name in ordered(space, fixed):
        if name in params:
            _check_fit(name, space[name], beside)
            values = params[name]
            items = item_names(name, space[name], beside)
            flat |= zip(items, values if isinstance(values, list) else [values], strict=True)
    return flat


def _check_fit(name: str, parameter: Parameter, params: Mapping[str, ParamValue]) -> None:
    """Refuses a value that is outside of its range, or does not go with the others."""
    value = params[name]
    if not is_active(parameter, params):
        needed = [n if n not in params else f"{n}: {params[n]!r}" for n in dependencies(parameter)]
        raise StudyConfigError(
            f"`{name}` = {value!r} does not exist beside these values; it depends on {needed}. "
            "Drop it, or change what it depends on.",
            (name,),
        )
    items = list(item_names(name, parameter, params))
    is_list = parameter.length is not None
    if isinstance(value, list) != is_list or (isinstance(value, list) and len(value) != len(items)):
        wanted = f"a list of {len(items)} values" if is_list else "one value, not a list"
        raise StudyConfigError(f"`{name}` takes {wanted}. Received: {value!r}.", (name,))
    for item, single in zip(items, value if isinstance(value, list) else [value], strict=True):
        if not parameter.contains(single):
            raise StudyConfigError(
                f"`{item}` takes {_expected(parameter)}. Received: {single!r}.", (name,)
            )


def _expected(parameter: Parameter) -> str:
    """Returns the legal values in words."""
    if isinstance(parameter, Categorical):
        return f"one of {', '.join(map(repr, parameter.choices))}"
    kind = "a whole number" if isinstance(parameter, Int) else "a number"
    steps = "" if parameter.step is None else f" in steps of {parameter.step}"
    return f"{kind} from {parameter.low} to {parameter.high}{steps}"
