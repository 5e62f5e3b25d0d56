"""A picture of a front that was trained again. It draws and computes nothing."""

from pathlib import Path
from typing import Any

import numpy as np

from search.report.confirmed import Bands, ConfirmedFront
from search.report.pictures import (
    BLUE,
    GREEN,
    LOG_RATIO,
    ORANGE,
    RED,
    axis_label,
    new_axes,
    write_figure,
)


def draw_confirmed(front: ConfirmedFront, path: Path) -> None:
    """Writes a picture of the means with their errors over the attainment bands.

    Args:
        front: What was confirmed.
        path: A .png, .svg or .pdf file.

    Raises:
        SearchError: If the file cannot be written, or is of another kind.
    """
    names = list(front.objectives)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]] or [(names[0], names[0])]
    figure, axes = new_axes(len(pairs))
    bands = {item.objectives: item for item in front.bands}
    for axis, pair in zip(axes, pairs, strict=True):
        _draw_points(axis, front, *pair)
        if pair in bands:
            _draw_bands(axis, front, bands[pair])
        axis.set_xlabel(axis_label(front.objectives, pair[0]))
        axis.set_ylabel(axis_label(front.objectives, pair[1]))
        axis.spines[["top", "right"]].set_visible(False)
    if any(member.means for member in front.members):
        axes[0].legend(frameon=False, fontsize=8)
    epochs = "" if front.epochs is None else f", {front.epochs} epochs"
    figure.suptitle(f"{front.name}: its front, trained again{epochs} (test images)")
    write_figure(figure, path)


def _draw_points(axis: Any, front: ConfirmedFront, x: str, y: str) -> None:
    shown = [member for member in front.members if member.means]
    for index, member in enumerate(shown):
        rows = [row for row in member.repeats.values() if np.isfinite(list(row.values())).all()]
        axis.scatter(
            [row[x] for row in rows],
            [row[y] for row in rows],
            s=9,
            color=BLUE,
            alpha=0.4,
            linewidths=0,
            label="one training" if index == 0 else None,
        )
        place = (member.means[x], member.means[y])
        if {x, y} <= set(member.searched):
            before = (member.searched[x], member.searched[y])
            axis.plot(*zip(before, place, strict=True), color="0.75", lw=0.8, zorder=1)
            word = "in the search" if index == 0 else None
            axis.plot(*before, "o", mfc="white", mec="0.55", ms=4, zorder=2, label=word)
        # The more probably on the front, the more opaque.
        alpha = 0.2 + 0.8 * (1.0 if member.probability is None else member.probability)
        axis.errorbar(
            *place,
            xerr=member.errors.get(x),
            yerr=member.errors.get(y),
            fmt="o",
            ms=5,
            lw=1.2,
            color=RED,
            alpha=alpha,
            zorder=3,
            label="mean, one standard error" if index == 0 else None,
        )
        if member.is_choice or (member.probability or 0.0) >= 0.5:  # the rest would overlap
            text = member.label + (" choice" if member.is_choice else "")
            axis.annotate(text, place, textcoords="offset points", xytext=(6, 5), fontsize=8)
    if front.floor and {x, y} <= set(front.floor):
        axis.plot(front.floor[x], front.floor[y], "*", color=GREEN, ms=11, label="real images")
    for name, scale in ((x, axis.set_xscale), (y, axis.set_yscale)):
        values = np.array([row[name] for member in shown for row in member.repeats.values()])
        low, high = np.nanmin(values, initial=np.inf), np.nanmax(values, initial=-np.inf)
        if 0 < LOG_RATIO * low < high:
            scale("log")


def _draw_bands(axis: Any, front: ConfirmedFront, bands: Bands) -> None:
    """Draws what 25, 50 and 75 % of the repeats attain: the edges of a staircase each."""
    limits = axis.get_xlim(), axis.get_ylim()
    worst = [
        limit[1] if front.objectives[name] == "minimize" else limit[0]
        for name, limit in zip(bands.objectives, limits, strict=True)
    ]
    stairs = {percent: _staircase(corners, worst) for percent, corners in bands.edges.items()}
    (best, *_, last) = sorted(stairs)
    outline = np.concatenate([stairs[best], stairs[last][::-1]])
    axis.fill(*outline.T, color=ORANGE, alpha=0.25, lw=0, zorder=0, label=f"by {best} to {last} %")
    for percent, corners in stairs.items():
        is_median = percent not in (best, last)
        word = f"attained by {percent} % of {bands.num_runs} repeats" if is_median else None
        width = 1.3 if is_median else 0.6
        axis.plot(*corners.T, color=ORANGE, lw=width, zorder=0, label=word)
    axis.set_xlim(limits[0])
    axis.set_ylim(limits[1])


def _staircase(corners: Any, worst: list[float]) -> Any:
    """Returns the corners of the edge of what points attain, out to the worst values.

    Args:
        corners: `(num_corners, 2)`, none better than another, ascending in the first objective.
        worst: Of both objectives, at the edges of the picture.
    """
    points = np.asarray(corners, dtype=float)
    if worst[0] < points[0, 0]:  # more of the first objective is better: begin at its best
        points = points[::-1]
    steps = [(points[0, 0], worst[1])]
    for (x, y), (following, _) in zip(points, [*points[1:], (worst[0], 0.0)], strict=True):
        steps += [(x, y), (following, y)]
    return np.array(steps)
