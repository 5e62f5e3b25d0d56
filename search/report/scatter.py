"""The front in characters, for a terminal."""

import math
from collections.abc import Sequence
from typing import Final

from search.candidates import Candidate
from search.report.pictures import LOG_RATIO
from search.report.summary import Summary
from search.report.tables import number, title

_WIDTH: Final = 58  # of the plot alone; with the numbers beside it under 80 columns
_HEIGHT: Final = 14
_OTHER, _FRONT, _KNEE = ".", "O", "K"


def scatter(summary: Summary, found: Sequence[Candidate]) -> str:
    """Returns the candidates over the first two objectives as text, of at most 80 columns.

    Plain ASCII: any terminal and any file can hold it.

    Args:
        summary: Of the search.
        found: All candidates.

    Returns:
        Lines without an end; "" if there is only one objective, or no candidate.
    """
    if len(summary.objectives) < 2 or not found:
        return ""
    x, y = list(summary.objectives)[:2]
    across = _Axis([candidate.metrics[x] for candidate in found], _WIDTH)
    up = _Axis([candidate.metrics[y] for candidate in found], _HEIGHT)
    cells = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    points = [(candidate.metrics[x], candidate.metrics[y], _OTHER) for candidate in found]
    members = sorted(summary.front, key=lambda member: member.is_knee)  # the knee lies on top
    points += [(m.values[x], m.values[y], _KNEE if m.is_knee else _FRONT) for m in members]
    for first, second, mark in points:
        cells[_HEIGHT - 1 - up.place(second)][across.place(first)] = mark
    high, low = number(up.high), number(up.low)
    margin = max(len(high), len(low), len(title(y)))
    labels = [title(y), high, *[""] * (_HEIGHT - 2), low]
    rows = ["", *("|" + "".join(row).rstrip() for row in cells)]
    lines = [f"{label:>{margin}} {row}".rstrip() for label, row in zip(labels, rows, strict=True)]
    left, right = number(across.low), number(across.high)
    indent = " " * (margin + 1)
    lines += [f"{indent}+{'-' * _WIDTH}"]
    lines += [f"{indent} {left}{right:>{_WIDTH - len(left)}}  {title(x)}"]
    logs = [title(name) for name, axis in ((x, across), (y, up)) if axis.is_log]
    scale = f"; logarithmic: {', '.join(logs)}" if logs else ""
    return "\n".join([*lines, f"{indent} O front, K its knee, . other candidates{scale}"])


class _Axis:
    """Where values stand on an axis of so many characters."""

    def __init__(self, values: Sequence[float], length: int):
        self.low, self.high = min(values), max(values)
        self.is_log = self.low > 0 and self.high > LOG_RATIO * self.low
        self._length = length

    def place(self, value: float) -> int:
        low, high, value = (self._scaled(each) for each in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return min(self._length - 1, int(share * self._length))

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.is_log else value
