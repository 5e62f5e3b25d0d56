"""How far a confirmation has come, as plain data, as lines, and as a view that is drawn."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search.report.progress import duration
from search.report.tables import number, title

_NUM_RECENT = 8


@final
@dataclasses.dataclass(frozen=True, slots=True)
class EndedRepeat:
    """A repeat of a trial's training that ended now.

    Attributes:
        trial: The trial's number.
        repeat: From 1.
        figures: Epoch -> metrics on the test images.
        reason: Why it failed or was given up, None if it did not.
    """

    trial: int
    repeat: int
    figures: Mapping[int, Mapping[str, float]]
    reason: str | None = None


@final
@dataclasses.dataclass(frozen=True, slots=True)
class ConfirmProgress:
    """How far a confirmation has come.

    Attributes:
        num_wanted: Repeats it is made of; grows if further trials join.
        num_missing: Those that are not recorded yet.
        running: (trial, repeat) of those under way.
        ended: What ended since this driver began, in that order.
        seconds_left: Estimate, None before the first has ended.
        objectives: Names of the figures to show.
    """

    num_wanted: int
    num_missing: int
    running: Sequence[tuple[int, int]]
    ended: Sequence[EndedRepeat]
    seconds_left: float | None
    objectives: Sequence[str]

    @property
    def num_recorded(self) -> int:
        """Repeats that are recorded."""
        return self.num_wanted - self.num_missing


def repeat_line(state: ConfirmProgress, ended: EndedRepeat) -> str:
    """Returns one line on a repeat that ended."""
    if ended.reason is not None:
        return f"trial {ended.trial} repeat {ended.repeat}: {ended.reason}"
    parts = [
        f"@{epoch} " + " ".join(_figure(metrics, name) for name in state.objectives)
        for epoch, metrics in sorted(ended.figures.items())
    ]
    return f"trial {ended.trial} repeat {ended.repeat}: {', '.join(parts)}"


def count_line(state: ConfirmProgress) -> str:
    """Returns how many repeats are recorded, and how long the rest may take."""
    left = ""
    if state.num_missing and state.seconds_left is not None:
        left = f", about {duration(state.seconds_left)} left"
    return f"{state.num_recorded}/{state.num_wanted} trainings{left}"


def confirm_view(state: ConfirmProgress, name: str, phase: str) -> RenderableType:
    """Returns the live view of a confirmation: a bar, what runs, what ended last."""
    bar = Table.grid(padding=(0, 1))
    total, done = max(state.num_wanted, 1), state.num_recorded
    bar.add_row(
        Text(name, style="bold"),
        ProgressBar(total=total, completed=done, width=30),
        Text(count_line(state)),
    )
    running = ", ".join(f"trial {trial} repeat {repeat}" for trial, repeat in state.running)
    lines = [phase, f"running: {running}" if running else ""]
    lines += [repeat_line(state, ended) for ended in reversed(state.ended[-_NUM_RECENT:])]
    return Group(bar, *(Text(line, no_wrap=True, overflow="ellipsis") for line in lines if line))


def _figure(metrics: Mapping[str, float], name: str) -> str:
    return f"{title(name)} {number(metrics[name])}" if name in metrics else f"{title(name)} -"
