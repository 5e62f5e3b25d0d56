"""Two axes to look at candidates by: a pair of objectives, or one of them over the trials."""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from search.front import losses, non_dominated
from search.report.pictures import LOG_RATIO, axis_label
from search.report.tables import title

_FEW_POWERS: Final = 3
_MARGIN: Final = 0.08  # of an axis, beyond its outermost points


@final
@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """What the two axes of a picture mean.

    Attributes:
        x: The objective from left to right; None for the number of the trial.
        y: The objective from bottom to top.
        directions: Of both; trials have none, so that theirs says nothing.
    """

    x: str | None
    y: str
    directions: tuple[str, str]

    @property
    def name(self) -> str:
        """As a person chooses it."""
        return f"{title(self.y)} by {title(self.x) if self.x else 'trial'}"

    @property
    def labels(self) -> tuple[str, str]:
        """Of the axes."""
        by_name = dict(zip((self.x, self.y), self.directions, strict=True))
        objectives = {name: direction for name, direction in by_name.items() if name}
        first = axis_label(objectives, self.x) if self.x else "trial"
        return first, axis_label(objectives, self.y)

    def place(self, trial: int, values: Mapping[str, float]) -> tuple[float, float]:
        """Returns where a candidate is."""
        return (values[self.x] if self.x else float(trial)), values[self.y]


def views(objectives: Mapping[str, str]) -> list[View]:
    """Returns a view for each pair of objectives; of a single one, its course over the trials."""
    if len(objectives) == 1:
        ((name, direction),) = objectives.items()
        return [View(None, name, ("minimize", direction))]
    pairs = itertools.combinations(objectives.items(), 2)
    return [View(a, b, (first, second)) for (a, first), (b, second) in pairs]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Axis:
    """The extent of one axis; of a logarithmic one, in powers of ten as plotly has it."""

    is_log: bool
    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float]) -> "Axis":
        """Returns an axis that holds all values with a margin, logarithmic where they span far."""
        finite = [value for value in values if math.isfinite(value)] or [0.0]
        low, high = min(finite), max(finite)
        is_log = low > 0 and high > LOG_RATIO * low
        if is_log:
            low, high = math.log10(low), math.log10(high)
        margin = _MARGIN * (high - low) or max(abs(high), 1.0) * _MARGIN
        return cls(is_log, low - margin, high + margin)

    @property
    def ticks(self) -> list[float] | None:
        """1, 2 and 5 of each power of ten, where there are few; None: plotly chooses."""
        if not self.is_log or self.high - self.low > _FEW_POWERS:
            return None
        powers = range(math.floor(self.low), math.ceil(self.high))
        found = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
        return [value for value in found if self.low <= math.log10(value) <= self.high]

    def end(self, is_low: bool) -> float:
        """Returns the value at one end."""
        value = self.low if is_low else self.high
        return 10.0**value if self.is_log else value


def dominated(
    view: View, points: Sequence[tuple[float, float]], axes: tuple[Axis, Axis]
) -> NDArray[np.float64]:
    """Returns `(num_corners, 2)`, the outline of what points beat, out to the ends of the axes.

    Of an objective over the trials that is all on the worse side of the best value.
    """
    worst = [
        axis.end(is_low=way == "maximize") for axis, way in zip(axes, view.directions, strict=True)
    ]
    if not points:
        return np.zeros((0, 2))
    values = np.array(points, dtype=np.float64)
    if view.x is None:
        best = losses(losses(values[:, 1:], view.directions[1:]).min(axis=0), view.directions[1:])
        left, right = axes[0].end(True), axes[0].end(False)
        return np.array([(left, best[0]), (right, best[0]), (right, worst[1]), (left, worst[1])])
    edge = values[non_dominated(values, view.directions)]
    edge = edge[losses(edge, view.directions)[:, 0].argsort(kind="stable")]
    steps = [(edge[0, 0], worst[1])]
    for index, (x, y) in enumerate(edge):
        following = edge[index + 1, 0] if index + 1 < len(edge) else worst[0]
        steps += [(x, y), (following, y)]
    return np.array([*steps, (worst[0], worst[1])])
