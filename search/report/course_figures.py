"""Pictures of how a search has come on, and the two plots of the thesis it grew out of."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from search.candidates import Candidate
from search.report.pictures import BLUE, LOG_RATIO, RED, axis_label, new_axes, write_figure
from search.report.summary import Summary
from search.report.tables import title
from search.report.timeline import Moment
from search.report.views import views
from search.trial import Trial

MOST_TRIALS: Final = 3  # of the front, whose course is drawn


def draw_hypervolume(name: str, course: Sequence[Moment], path: Path) -> None:
    """Writes a picture of the hypervolume over finished trials and over hours.

    Args:
        name: Of the search.
        course: Moments with a hypervolume, at least one.
        path: A .png, .svg or .pdf file.

    Raises:
        SearchError: If the file cannot be written, or is of another kind.
    """
    figure, axes = new_axes(2, width=4.8, height=3.6)
    volumes = [moment.hypervolume for moment in course]
    counts = [moment.num_finished for moment in course]
    timed = [moment for moment in course if moment.hours is not None]
    hours = [moment.hours for moment in timed]
    style = {"color": BLUE, "where": "post", "marker": "o", "ms": 3}
    axes[0].step(counts, volumes, **style)
    axes[1].step(hours, [moment.hypervolume for moment in timed], **style)
    axes[0].set_xlabel("finished trials")
    axes[1].set_xlabel("hours since the first trial began, breaks included")
    axes[1].locator_params(axis="x", nbins=5)
    for axis in axes:
        axis.set_ylabel("hypervolume (more is better)")
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{name}: hypervolume of all candidates so far")
    write_figure(figure, path)


def draw_pareto_set(summary: Summary, found: Sequence[Candidate], path: Path) -> None:
    """Writes the thesis' picture of a Pareto set: all candidates blue, the front red.

    Args:
        summary: Of the search, with a front.
        found: All candidates.
        path: A .png, .svg or .pdf file.

    Raises:
        SearchError: If the file cannot be written, or is of another kind.
    """
    seen = views(summary.objectives)
    figure, axes = new_axes(len(seen))
    for axis, view in zip(axes, seen, strict=True):
        places = [view.place(c.trial, c.metrics) for c in found]
        axis.plot(*zip(*places, strict=True), "o", color=BLUE, ms=3, alpha=0.5, mew=0, label="all")
        front = [view.place(member.trial, member.values) for member in summary.front]
        style = {"color": RED, "mec": "black", "mew": 0.6, "ms": 8}
        axis.plot(*zip(*front, strict=True), "D", **style, label="Pareto set")
        axis.set_xlabel(view.labels[0])
        axis.set_ylabel(view.labels[1])
        axis.spines[["top", "right"]].set_visible(False)
        for values, scale in zip(
            zip(*places, strict=True), (axis.set_xscale, axis.set_yscale), strict=True
        ):
            _scaled(values, scale)
    axes[0].legend(frameon=False, fontsize=8)
    figure.suptitle(f"{summary.name}: the Pareto set and all other candidates")
    write_figure(figure, path)


def draw_consistency(
    summary: Summary, trials: Sequence[Trial], chosen: Sequence[int], path: Path
) -> None:
    """Writes the thesis' picture of consistency: two objectives over the epochs, on two axes.

    Args:
        summary: Of the search. Its first two objectives are drawn, a single one alone.
        trials: All trials.
        chosen: Numbers of those to draw, an axis each.
        path: A .png, .svg or .pdf file.

    Raises:
        SearchError: If the file cannot be written, or is of another kind.
    """
    by_number = {trial.number: trial for trial in trials}
    figure, axes = new_axes(len(chosen), width=4.4, height=3.6)
    for axis, number in zip(axes, chosen, strict=True):
        measured = [m for m in by_number[number].measurements if m.has(summary.objectives)]
        epochs = [item.epoch for item in measured]
        pairs = zip(summary.objectives, (BLUE, RED), ("o-", "s--"), strict=False)
        for (name, colour, line), side in zip(pairs, (axis, None), strict=False):
            own = side or axis.twinx()
            values = [item.metrics[name] for item in measured]
            own.plot(epochs, values, line, color=colour, ms=4, lw=1.2)
            _scaled(values, own.set_yscale)
            own.set_ylabel(axis_label(summary.objectives, name), color=colour)
            own.tick_params(axis="y", which="both", colors=colour)
            own.spines["top"].set_visible(False)
        axis.set_title(f"trial {number}", fontsize=10)
        axis.set_xlabel("epoch")
    names = " and ".join(title(name) for name in list(summary.objectives)[:2])
    figure.suptitle(f"{summary.name}: {names} while trials of the front were trained")
    write_figure(figure, path)


def leading_trials(summary: Summary) -> list[int]:
    """Returns up to three trials of the front: its knee, its ends, then by their shares."""
    front = list(summary.front)
    order = [member for member in front if member.is_knee] + front[:1] + front[-1:]
    order += sorted(front, key=lambda member: -member.share)
    return sorted(list(dict.fromkeys(member.trial for member in order))[:MOST_TRIALS])


def _scaled(values: Iterable[float], set_scale: Any) -> None:
    low, high = min(seen := list(values)), max(seen)
    if 0 < LOG_RATIO * low < high:
        set_scale("log")
