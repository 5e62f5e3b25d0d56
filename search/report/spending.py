"""Where the time of a search's workers went, as a table."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from search.report.progress import duration
from search.spending import Spending


def spending_table(spending: Spending) -> RenderableType:
    """Returns a row for every part of the workers' time, and what the driver did meanwhile."""
    title = f"Where {duration(spending.worker_seconds)} of workers' time went"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("part")
    table.add_column("share", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("what")
    for part in spending.parts():
        table.add_row(part.name, f"{part.share:.1%}", f"{part.seconds:,.1f}", part.what)
    return Group(table, *(Text(line) for line in _remarks(spending)))


def _remarks(spending: Spending) -> list[str]:
    counts, beside = spending.counts, spending.beside
    lines = []
    if attempts := counts["attempts"]:
        lines.append(
            f"{counts['reused']} of {attempts} trainings found their model compiled, because their "
            "worker had trained one of the same architecture."
        )
    if asked := counts["proposals"]:
        lines.append(
            f"Beside the workers: {beside['proposals']:.1f} s for {asked} proposals of the "
            f"sampler, {beside['study']:.1f} s at the study database."
        )
    return lines
