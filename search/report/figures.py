"""Summaries as pictures. They draw and compute nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.candidates import Candidate
from search.errors import SearchError
from search.report.summary import Summary
from search.report.tables import title

# Okabe and Ito's colours, told apart with any colour vision.
_FRONT, _OTHER, _FLOOR, _KNEE = "#D55E00", "#0072B2", "#009E73", "#000000"
_LOG_RATIO = 10  # values that span more than this are drawn on a logarithmic axis
_SUFFIXES = (".png", ".svg", ".pdf")


def draw_front(summary: Summary, found: Sequence[Candidate], path: Path) -> None:
    """Writes a picture of all candidates with the front, for every pair of objectives.

    Args:
        summary: Of the search.
        found: All candidates.
        path: A .png, .svg or .pdf file.

    Raises:
        SearchError: If the file cannot be written, or is of another kind.
    """
    names = list(summary.objectives)
    if len(names) == 1:
        pairs = [(names[0], names[0])]
    else:
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    figure, axes = _subplots(len(pairs))
    for axis, (x, y) in zip(axes, pairs, strict=True):
        _draw_pair(axis, summary, found, x, y)
    axes[0].legend(frameon=False, fontsize=8)
    figure.suptitle(f"{summary.name}: {summary.num_candidates} candidates of {summary.dataset}")
    _write(figure, path)


def draw_samples(rows: Sequence[tuple[str, NDArray[Any]]], path: Path) -> None:
    """Writes a picture with one labelled row of images each.

    Args:
        rows: Label and `(num_images, height, width, channels)` images in [0, 1].
        path: A .png, .svg or .pdf file.

    Raises:
        SearchError: As `draw_front`.
    """
    figure, axes = _subplots(len(rows), vertical=True)
    for axis, (label, images) in zip(axes, rows, strict=True):
        strip = np.concatenate([np.pad(i, ((1, 1), (1, 1), (0, 0))) for i in images], axis=1)
        axis.imshow(
            strip.squeeze(-1) if strip.shape[-1] == 1 else strip, cmap="gray", vmin=0, vmax=1
        )
        axis.set_title(label, loc="left", fontsize=9)
        axis.set_axis_off()
    _write(figure, path)


def _draw_pair(axis: Any, summary: Summary, found: Sequence[Candidate], x: str, y: str) -> None:
    axis.scatter(
        [c.metrics[x] for c in found],
        [c.metrics[y] for c in found],
        s=12,
        color=_OTHER,
        alpha=0.45,
        linewidths=0,
        label="trial after an epoch",
    )
    front = sorted(summary.front, key=lambda m: m.values[x])
    points = [(m.values[x], m.values[y]) for m in front]
    both_down = summary.objectives[x] == summary.objectives[y] == "minimize"
    style = "steps-post" if both_down else "default"  # the edge of what the front dominates
    columns = zip(*points, strict=True)
    line = "o-" if len(summary.objectives) == 2 else "o"  # of more, two show a shadow of the front
    axis.plot(*columns, line, color=_FRONT, ms=6, lw=1, drawstyle=style, label="front")
    for member, point in zip(front, points, strict=True):
        if member.is_knee:
            axis.plot(*point, "o", mfc="none", mec=_KNEE, ms=11, label="knee")
        if member.is_knee or member in (front[0], front[-1]):  # the rest would overlap
            side = -1 if member.is_knee and len(front) > 2 else 1  # it may be near an end
            axis.annotate(
                member.label,
                point,
                textcoords="offset points",
                xytext=(7 * side, 5 * side),
                ha="right" if side < 0 else "left",
                va="top" if side < 0 else "bottom",
                fontsize=8,
            )
    if summary.floor and x in summary.floor and y in summary.floor:
        axis.plot(summary.floor[x], summary.floor[y], "*", color=_FLOOR, ms=11, label="real images")
    for name, scale in ((x, axis.set_xscale), (y, axis.set_yscale)):
        values = [c.metrics[name] for c in found]
        if min(values) > 0 and max(values) > _LOG_RATIO * min(values):
            scale("log")
    arrow = {"minimize": "less is better", "maximize": "more is better"}
    axis.set_xlabel(f"{title(x)} ({arrow[summary.objectives[x]]})")
    axis.set_ylabel(f"{title(y)} ({arrow[summary.objectives[y]]})")
    axis.spines[["top", "right"]].set_visible(False)


def _subplots(count: int, vertical: bool = False) -> tuple[Any, list[Any]]:
    # The object interface needs no display and keeps no figure alive.
    from matplotlib.figure import Figure

    if vertical:
        figure = Figure(figsize=(8, 1.1 * count), layout="constrained")
        return figure, list(np.atleast_1d(figure.subplots(count, 1)))
    columns = min(count, 3)
    rows = -(-count // columns)
    figure = Figure(figsize=(6.4 * columns, 4.8 * rows), layout="constrained")
    axes = list(np.atleast_1d(figure.subplots(rows, columns)).ravel())
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, axes[:count]


def check_picture(path: Path) -> None:
    """Checks the name of a picture before the work for it begins.

    Raises:
        SearchError: If it is not a .png, .svg or .pdf file in a folder that exists.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise SearchError(f"Cannot draw {path}: name a {', '.join(_SUFFIXES)} file.")
    if not path.parent.is_dir():
        raise SearchError(f"Cannot draw {path}: there is no folder {path.parent}.")


def _write(figure: Any, path: Path) -> None:
    check_picture(path)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise SearchError(f"Cannot write {path}: {error.strerror or error}.") from error
