"""Summaries as tables for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from search.report.fitting import FittingTable, Layout, Row
from search.report.summary import FrontMember, Summary

_NAMES = {"fid": "FID", "tvd": "TVD", "max_class_gap": "class gap", "num_parameters": "parameters"}
_BESIDE = 2  # objectives whose test figures have room beside them


def title(metric: str) -> str:
    """Returns a metric's name as a person reads it."""
    return _NAMES.get(metric, metric.replace("_", " "))


def number(value: float) -> str:
    """Returns a figure with the digits that mean something."""
    if float(value).is_integer() and abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 4 if abs(value) < 1 else 2 if abs(value) < 1000 else 0
    return f"{value:,.{digits}f}"


def short(params: Mapping[str, Any]) -> str:
    """Returns params on one line."""
    return "  ".join(f"{name}={_value(value)}" for name, value in params.items())


def front_table(summary: Summary) -> RenderableType:
    """Returns the front, what is near it, and all that a reader should know with it."""
    if not summary.front:
        return Text(f"No trial of `{summary.name}` has been measured yet.")
    below = _layout(summary, is_beside=False)
    # With many objectives, test figures stand below, not beside; and so in a narrow terminal.
    is_many = len(summary.objectives) > _BESIDE
    layouts = [below] if is_many else [_layout(summary, is_beside=True), below]
    table = FittingTable(f"Pareto front of {summary.name}", layouts)
    return Group(table, *(Text(line) for line in remarks(summary)))


def _layout(summary: Summary, is_beside: bool) -> Layout:
    """Returns the front's rows, with test figures beside those of the search or below them."""
    names = list(summary.objectives)
    remeasured = [name for name in names if _is_remeasured(summary.front, name)]
    tested = [f"{title(name)} (test)" for name in remeasured if is_beside]
    rows = []
    for member in summary.front:
        mark = " knee" if member.is_knee and len(summary.front) > 2 else ""
        figures = [number(member.values[name]) for name in names]
        test = [_remeasured(member, name) for name in remeasured if is_beside]
        cells = [member.label + mark, *figures, *test, f"{member.share:.1%}"]
        rows.append(Row(cells, short(member.params)))
        if remeasured and not is_beside:
            rows.append(Row(["  on test images", *(_remeasured(member, n) for n in names)]))
    return Layout(["trial@epoch", *map(title, names), *tested, "share"], rows)


def remarks(summary: Summary) -> Iterator[str]:
    """Yields what is said below the front's table, a line each."""
    yield ""
    if summary.hypervolume is not None and summary.reference is not None:
        corner = ", ".join(f"{title(n)} {number(v)}" for n, v in summary.reference.items())
        yield f"Hypervolume {number(summary.hypervolume)} against {corner}."
        if summary.hypervolume == 0:
            yield "It is 0 until a candidate beats these in every objective."
    if summary.floor and summary.ceiling:
        pairs = [
            f"{title(n)} {number(summary.floor[n])} / {number(summary.ceiling[n])}"
            for n in summary.objectives
            if n in summary.floor
        ]
        yield f"Real training images / their mean image score: {', '.join(pairs)}."
    if summary.near:
        yield (
            f"Within the noise of the front's draws, and not worse for certain: "
            f"{', '.join(summary.near[:12])}{' ...' if len(summary.near) > 12 else ''}."
        )
    for pair, value in summary.correlations.items():
        yield f"Rank correlation of {pair}: {value:+.2f}{_meaning(value)}."
    if any(name in summary.objectives for name in ("fid", "tvd", "max_class_gap")):
        yield (
            "FID and TVD use a small classifier of these images, not Inception: compare them "
            "within this data set and extractor only."
        )
    for sentence in summary.advice:
        yield f"! {sentence}"


def _is_remeasured(front: Any, name: str) -> bool:
    return any(member.remeasured and name in member.remeasured for member in front)


def _remeasured(member: FrontMember, name: str) -> str:
    figures = member.remeasured or {}
    return number(figures[name]) if name in figures else "-"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(_value(item) for item in value) + "]"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _meaning(value: float) -> str:
    if value > 0.8:
        return ", they mostly agree"
    return ", a real trade-off" if value < -0.3 else ""
