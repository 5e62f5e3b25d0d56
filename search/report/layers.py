"""The traces of the interactive front: what stands where, and from when on."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, final

from search.candidates import Candidate
from search.report.confirmed import ConfirmedFront
from search.report.hover import about, about_confirmed
from search.report.pictures import BLUE, ORANGE, RED
from search.report.summary import Summary
from search.report.timeline import Stage
from search.report.views import Axis, View, dominated
from search.trial import Params

_SHADE: Final = "rgba(213, 94, 0, 0.10)"  # RED, let through

Place: TypeAlias = Callable[[View], tuple[Any, Any]]  # x and y on the axes of a view
Axes: TypeAlias = Mapping[View, tuple[Axis, Axis]]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Layer:
    """One trace: how it looks, and where its points are on any two axes.

    Attributes:
        style: Of plotly's scatter.
        at: Where its points are.
        stage: From which stage on it is there; None: always.
        is_only: Whether it is there in that stage alone.
        errors: Lengths of its error bars.
    """

    style: Mapping[str, Any]
    at: Place
    stage: int | None = None
    is_only: bool = False
    errors: Place | None = None

    def is_visible(self, stage: int) -> bool:
        """Returns whether it is shown at a stage."""
        if self.stage is None or self.stage == stage:
            return True
        return self.stage < stage and not self.is_only


def layers(
    summary: Summary,
    parts: Sequence[Stage],
    axes: Axes,
    params: Mapping[int, Params],
    confirmed: ConfirmedFront | None,
) -> list[Layer]:
    """Returns the traces, the lowest first.

    Args:
        summary: Of the search.
        parts: Its stages.
        axes: Of every view.
        params: Of every trial.
        confirmed: The front as it was trained again.
    """
    named = next((i for i, part in enumerate(parts) if part.new), 0)  # plotly skips empty traces
    return [
        *(_shade(part, index, summary, axes) for index, part in enumerate(parts)),
        *(
            _points(part, index, summary, params, index == named)
            for index, part in enumerate(parts)
        ),
        *(_front(part, index, summary, params) for index, part in enumerate(parts)),
        *_confirmed(confirmed),
    ]


def _shade(part: Stage, index: int, summary: Summary, axes: Axes) -> Layer:
    # Of more than two objectives, who is beaten in these two may be ahead in another one.
    word = "dominated by the front" if len(summary.objectives) < 3 else "beaten in these two"
    style = {
        "mode": "lines",
        "fill": "toself",
        "fillcolor": _SHADE,
        "line": {"width": 1, "color": RED, "dash": "dot"},
        "hoverinfo": "skip",
        "name": word,
    }

    def at(view: View) -> tuple[Any, Any]:
        points = [view.place(c.trial, c.metrics) for c in part.front]
        outline = dominated(view, points, axes[view])
        return outline[:, 0], outline[:, 1]

    return Layer(style, at, index, is_only=True)


def _points(
    part: Stage, index: int, summary: Summary, params: Mapping[int, Params], is_named: bool
) -> Layer:
    members = {member.label for member in summary.front}
    texts = [
        about(c, summary.objectives, params[c.trial], "front" if str(c) in members else "")
        for c in part.new
    ]
    style = {
        "mode": "markers",
        "marker": {"color": BLUE, "size": 6, "opacity": 0.45},
        "name": "trial after an epoch",
        "legendgroup": "points",
        "showlegend": is_named,
        "hoverinfo": "text",
        "hovertext": texts,
    }
    return Layer(style, _at([(c.trial, c.metrics) for c in part.new]), index)


def _front(part: Stage, index: int, summary: Summary, params: Mapping[int, Params]) -> Layer:
    members: Sequence[Candidate] = part.front
    knee = next((m.label for m in summary.front if m.is_knee and len(summary.front) > 2), "")
    is_knee = [str(c) == knee for c in members]
    style = {
        "mode": "markers+text",
        "marker": {
            "color": RED,
            "symbol": "diamond",
            "opacity": 1,
            "size": [15 if each else 10 for each in is_knee],
            "line": {"color": ["black" if each else "white" for each in is_knee], "width": 1.5},
        },
        "text": ["knee" if each else "" for each in is_knee],
        "textposition": "bottom left",
        "cliponaxis": False,
        "name": "front",
        "hoverinfo": "text",
        "hovertext": [about(c, summary.objectives, params[c.trial], "front") for c in members],
    }
    return Layer(style, _at([(c.trial, c.metrics) for c in members]), index, is_only=True)


def _confirmed(confirmed: ConfirmedFront | None) -> list[Layer]:
    members = [member for member in confirmed.members if member.means] if confirmed else []
    if not members:
        return []
    bar = {"color": "black", "thickness": 1, "width": 3}
    style = {
        "mode": "markers",
        "marker": {
            "color": ORANGE,
            "symbol": "square",
            "size": 9,
            "opacity": 1,
            "line": {"width": 1},
        },
        "error_x": bar,
        "error_y": bar,
        "name": "confirmed, ± one standard error",
        "hoverinfo": "text",
        "hovertext": [about_confirmed(member) for member in members],
    }

    def errors(view: View) -> tuple[Any, Any]:
        x, y = ([m.errors.get(name or "", 0.0) for m in members] for name in (view.x, view.y))
        return x, y

    return [Layer(style, _at([(m.trial, m.means) for m in members]), errors=errors)]


def _at(points: Sequence[tuple[int, Mapping[str, float]]]) -> Place:
    def at(view: View) -> tuple[Any, Any]:
        places = [view.place(trial, values) for trial, values in points]
        return [x for x, _ in places], [y for _, y in places]

    return at
