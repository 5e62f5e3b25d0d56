"""Tables of figures with params, laid out for the width that a terminal has."""

import dataclasses
from collections.abc import Sequence
from typing import Final, final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

_ROOM: Final = 30  # columns that params take to be readable beside figures
_GAP: Final = 2  # between columns of a table
_UNBOUNDED: Final = 10_000


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One candidate.

    Attributes:
        cells: Its label and its figures.
        params: As text; None in a row that says more of the candidate above it.
    """

    cells: Sequence[str]
    params: str | None = None


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Rows under headings; the first column is that of the labels."""

    headings: Sequence[str]
    rows: Sequence[Row]


@final
class FittingTable:
    """A table in the first of its layouts that a terminal has the room for, else in the last.

    Params stand beside the figures, or where that leaves them too little room, below.

    Args:
        title: Above it.
        layouts: The widest first.
        is_cut: Whether params beside the figures are cut where they do not fit on a line.
    """

    def __init__(self, title: str, layouts: Sequence[Layout], is_cut: bool = False):
        self._title = title
        self._layouts = layouts
        self._is_cut = is_cut

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yields what fits into `options`, as rich asks for it."""
        unbounded = options.update(width=_UNBOUNDED)
        widths = [console.measure(self._table(x), options=unbounded).maximum for x in self._layouts]
        fitting = [index for index, width in enumerate(widths) if width <= options.max_width]
        chosen = fitting[0] if fitting else len(widths) - 1
        layout = self._layouts[chosen]
        longest = max(len(row.params or "") for row in layout.rows)
        is_beside = options.max_width - widths[chosen] - _GAP >= min(longest, _ROOM)
        yield self._table(layout, is_beside)
        if not is_beside:
            yield Text()
            yield _params_below(layout)

    def _table(self, layout: Layout, with_params: bool = False) -> Table:
        table = Table(title=self._title, title_justify="left", pad_edge=False, box=None)
        first, *others = layout.headings
        table.add_column(first, no_wrap=True)
        for heading in others:
            table.add_column(heading, justify="right", no_wrap=True)
        if with_params:
            table.add_column("params", overflow="fold")
        for row in layout.rows:
            empty = [""] * (len(layout.headings) - len(row.cells))
            # Of the cell, not of the column, which would crush the others.
            text = Text(
                row.params or "",
                no_wrap=self._is_cut,
                overflow="ellipsis" if self._is_cut else "fold",
            )
            params = [text] if with_params else []
            table.add_row(*row.cells, *empty, *params)
        return table


def _params_below(layout: Layout) -> Table:
    table = Table(pad_edge=False, box=None)
    table.add_column(layout.headings[0], no_wrap=True)
    table.add_column("params", overflow="fold")
    for row in layout.rows:
        if row.params is not None:
            table.add_row(row.cells[0], Text(row.params))
    return table
