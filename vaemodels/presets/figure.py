"""A published figure and its tolerance, as plain data."""

import dataclasses
import math
from typing import Final, final

from vaemodels.checks import check_one_of, refuse

KINDS: Final = {
    "E": "exact: arithmetic, no noise",
    "A": "an analytic bound, computed from the images used",
    "S": "stochastic: the tolerance is the scatter of repeated runs",
    "X": "invalid as published: shown, never compared",
}


@final
@dataclasses.dataclass(frozen=True)
class Figure:
    """A published figure, and which obtained values agree with it.

    Args:
        measure: What is measured, see `vaemodels.presets.measures`; "val_loss@5" is that of
            epoch 5, without `@` that after the last epoch.
        published: The figure as printed, or as it follows from printed ones; None where a bound
            is all there is.
        low: Smallest value that agrees, -inf for an upper bound.
        high: Largest value that agrees, inf for a lower bound.
        kind: A key of `KINDS`.

    Raises:
        ValueError: If the interval is empty or the kind unknown.
    """

    measure: str
    published: float | None
    low: float
    high: float
    kind: str = "S"

    def __post_init__(self) -> None:
        check_one_of(tuple(KINDS), kind=self.kind)
        if not self.low <= self.high:
            raise refuse(self.measure, "low <= high", (self.low, self.high))

    def agrees(self, value: float) -> bool:
        """Returns whether an obtained value lies in the interval; NaN does not."""
        return self.low <= value <= self.high

    @property
    def is_bound(self) -> bool:
        """Whether it is open on one side."""
        return math.isinf(self.low) or math.isinf(self.high)

    @property
    def tolerance(self) -> str:
        """The interval in words: "+- 1.5", "90 to 230", ">= -0.5"."""
        if math.isinf(self.low):
            return f"<= {self.high:g}"
        if math.isinf(self.high):
            return f">= {self.low:g}"
        centre = self.low if self.published is None else self.published
        below, above = centre - self.low, self.high - centre
        if math.isclose(below, above, rel_tol=1e-6, abs_tol=1e-12):
            return f"+- {below:.3g}"
        return f"{self.low:g} to {self.high:g}"


def exact(measure: str, published: float, tolerance: float = 0.0) -> Figure:
    """Returns a figure without noise."""
    return Figure(measure, published, published - tolerance, published + tolerance, "E")


def around(measure: str, published: float, absolute: float, kind: str = "S") -> Figure:
    """Returns a figure with the same absolute tolerance on both sides."""
    return Figure(measure, published, published - absolute, published + absolute, kind)


def within_share(measure: str, published: float, share: float, kind: str = "S") -> Figure:
    """Returns a figure with a tolerance of a share of itself, 0.5 for 50 %."""
    return around(measure, published, share * abs(published), kind)


def between(measure: str, published: float, low: float, high: float, kind: str = "S") -> Figure:
    """Returns a figure with an interval of its own."""
    return Figure(measure, published, low, high, kind)


def at_least(measure: str, published: float | None, low: float, kind: str = "A") -> Figure:
    """Returns a figure with a lower bound."""
    return Figure(measure, published, low, math.inf, kind)


def at_most(measure: str, published: float | None, high: float, kind: str = "A") -> Figure:
    """Returns a figure with an upper bound."""
    return Figure(measure, published, -math.inf, high, kind)
