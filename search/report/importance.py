"""Which parameters matter and what moves along the front, as a table and a picture."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from search.importance import Importance
from search.report.pictures import BLUE, new_axes, write_figure
from search.report.tables import title
from search.trade_off import FEWEST_TRIALS, TradeOff


def importance_table(
    found: Sequence[Importance], trades: Sequence[TradeOff], remarks: Sequence[str]
) -> RenderableType:
    """Returns the importances of all objectives side by side, then the trade-offs.

    Args:
        found: One per objective.
        trades: One per pair of objectives.
        remarks: Sentences to end with.
    """
    first = found[0]
    heading = f"What decides who is among the best {first.num_best} of {first.num_trials} trials"
    table = Table(pad_edge=False, box=None)
    table.add_column("parameter", no_wrap=True)
    for item in found:
        table.add_column(title(item.objective), justify="right", no_wrap=True)
        table.add_column("chance", justify="right", no_wrap=True)
    names = list(dict.fromkeys(name for item in found for name in item.shares))
    names.sort(key=lambda parameter: -max(item.shares[parameter] for item in found))
    for parameter in names:
        cells = []
        for item in found:
            mark = "*" if parameter in item.clear else " "
            cells += [f"{item.shares[parameter]:.0%}{mark}", f"{item.chance[parameter]:.0%}"]
        table.add_row(parameter, *cells)
    lines = ["", *_remarks(found), *remarks]
    parts: list[RenderableType] = [Text(heading), table, *map(Text, lines)]
    for trade in trades:
        parts += [Text(""), *_trade_off(trade)]
    return Group(*parts)


def _remarks(found: Sequence[Importance]) -> Iterator[str]:
    yield (
        "Shares of the PED-ANOVA divergence; chance: what a parameter that decides nothing stays "
        "below in 95 of 100 cases. *: more than that."
    )
    for item in found:
        if not item.clear:
            yield f"Nothing decides {title(item.objective)} more than chance would."


def _trade_off(trade: TradeOff) -> Iterator[RenderableType]:
    if not trade.moves:
        yield Text(sentence(trade))
        return
    first, second = map(title, trade.objectives)
    yield Text(
        f"From the best {first} to the best {second}, along {_where(trade)}: medians at the ends "
        f"of {len(trade.trials)} trials"
    )
    table = Table(pad_edge=False, box=None)
    table.add_column("parameter", no_wrap=True)
    for heading in (f"best {first}", f"best {second}", "correlation", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for move in trade.moves:
        correlation = "-" if move.correlation is None else f"{move.correlation:+.2f}"
        p_value = "-" if move.p_value is None else f"{move.p_value:.3f}"
        table.add_row(move.parameter, _end(move.first), _end(move.second), correlation, p_value)
    yield table
    yield Text(sentence(trade))


def sentence(trade: TradeOff) -> str:
    """Returns what moves along the front, as a person would say it."""
    first, second = map(title, trade.objectives)
    if not trade.moves:
        return (
            f"From the best {first} to the best {second}: {len(trade.trials)} trials on "
            f"{_where(trade)} say nothing of what moves; it takes {FEWEST_TRIALS}."
        )
    clear = [move for move in trade.moves if move.is_clear]
    tested = sum(move.p_value is not None for move in trade.moves)
    if not clear:
        return f"No parameter moves clearly from the best {first} to the best {second}."
    parts = [
        f"{move.parameter} {'rises' if (move.correlation or 0) > 0 else 'falls'} "
        f"({_end(move.first)} to {_end(move.second)})"
        for move in clear
    ]
    caution = f" Of {tested} parameters, one in 20 would by chance." if tested > 1 else ""
    return f"From the best {first} to the best {second}: {', '.join(parts)}.{caution}"


def draw_importance(name: str, found: Sequence[Importance], path: Path) -> None:
    """Writes a picture of the importances, an axis per objective.

    Args:
        name: Of the search.
        found: One per objective.
        path: A .png, .svg or .pdf file.

    Raises:
        SearchError: If the file cannot be written, or is of another kind.
    """
    height = 1.4 + 0.3 * max(len(item.shares) for item in found)
    figure, axes = new_axes(len(found), width=4.8, height=height)
    for axis, item in zip(axes, found, strict=True):
        names = list(item.shares)[::-1]
        axis.barh(names, [item.shares[each] for each in names], color=BLUE, height=0.6)
        chance = [item.chance[each] for each in names]
        axis.plot(chance, names, "|", color="black", ms=10)
        axis.set_title(title(item.objective), fontsize=10)
        axis.set_xlabel("share of the divergence (|: 95 % of chance)")
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{name}: what decides who is among the best {found[0].num_best}")
    write_figure(figure, path)


def _where(trade: TradeOff) -> str:
    if trade.num_layers == 1:
        return "the front"
    return f"the first {trade.num_layers} non-dominated layers (the front alone is too short)"


def _end(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{choice} ({count})" for choice, count in value.items())
    return f"{value:.3g}"
