"""Every point of a space whose parameters all have finitely many values."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from search.errors import StudyConfigError
from search.space import Categorical, Parameter, Scalar, SearchSpace, suggest_params
from search.trial import Params

MAX_POINTS = 100_000


def is_finite(space: SearchSpace) -> bool:
    """Returns whether every parameter has finitely many values."""
    return all(parameter.grid() is not None for parameter in space.values())


def grid_points(space: SearchSpace, fixed: Params, limit: int = MAX_POINTS) -> Iterator[Params]:
    """Yields each point of the grid once; parameters and lists that depend on others included.

    Raises:
        StudyConfigError: If a parameter is continuous, or there are more than `limit` points.
    """
    for name, parameter in space.items():
        if parameter.grid() is None:
            raise StudyConfigError(
                f"The grid sampler needs finitely many values of `{name}`. Give it a `step`, "
                "make it categorical, or choose another sampler."
            )
    points = _walk(space, fixed, lambda parameter: parameter.grid() or ())
    for count, point in enumerate(points):
        if count == limit:
            raise StudyConfigError(
                f"The grid has more than {limit} points. Use larger steps or another sampler."
            )
        yield point


def corner_points(space: SearchSpace, fixed: Params) -> Iterator[Params]:
    """Yields the points with every number at its low end, and with every number at its high end.

    Each for every combination of the categorical parameters: the smallest and the largest models
    of a space are among them.
    """
    for end in ("low", "high"):
        yield from _walk(space, fixed, lambda parameter, end=end: _choices_or(parameter, end))  # type: ignore[misc]


def shuffled_grid(space: SearchSpace, fixed: Params, seed: int) -> list[Params]:
    """Returns every point in a random order, so that a search ended early has seen all corners."""
    points = list(grid_points(space, fixed))
    order = np.random.default_rng(seed).permutation(len(points))
    return [points[index] for index in order]


def _walk(space: SearchSpace, fixed: Params, values: "_Values") -> Iterator[Params]:
    walker = _Walker(space, values)
    while True:
        yield suggest_params(space, fixed, walker)
        if not walker.advance():
            return


def _choices_or(parameter: Parameter, end: str) -> tuple[Scalar, ...]:
    return parameter.choices if isinstance(parameter, Categorical) else (getattr(parameter, end),)


_Values = Callable[[Parameter], Sequence[Scalar]]


class _Walker:
    """A suggester that answers with the next combination: an odometer of values."""

    def __init__(self, space: SearchSpace, values: _Values):
        self._space = space
        self._values = values
        self._wheels: list[list[int]] = []  # [position, number of values] per suggestion
        self._cursor = 0

    def advance(self) -> bool:
        """Moves to the next combination; returns whether there is one."""
        self._cursor = 0
        while self._wheels:
            self._wheels[-1][0] += 1
            if self._wheels[-1][0] < self._wheels[-1][1]:
                return True
            self._wheels.pop()
        return False

    def _next(self, name: str) -> Scalar:
        parameter: Parameter = self._space[name.split("[")[0]]
        values = self._values(parameter)
        if self._cursor == len(self._wheels):
            self._wheels.append([0, len(values)])
        position = self._wheels[self._cursor][0]
        self._cursor += 1
        return values[position]

    def suggest_float(self, name: str, *_: object, **__: object) -> float:
        return self._next(name)  # type: ignore[return-value]

    def suggest_int(self, name: str, *_: object, **__: object) -> int:
        return self._next(name)  # type: ignore[return-value]

    def suggest_categorical(self, name: str, *_: object, **__: object) -> Scalar:
        return self._next(name)
