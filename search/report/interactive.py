"""Pictures to point at, by plotly, and as HTML. They draw and compute nothing."""

import html
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from search.candidates import Candidate
from search.config import StudyConfig
from search.errors import SearchError
from search.report.confirmed import ConfirmedFront
from search.report.layers import Axes, Layer, layers
from search.report.parallel import ranked_trials, scales
from search.report.summary import Summary
from search.report.timeline import Stage, stages
from search.report.views import Axis, View, views
from search.trial import Trial

MOST_POINTS: Final = 5000  # that are drawn, or fewer with more than three pairs of objectives
_MOST_STAGES: Final = 25
_CONFIG: Final = {
    "displaylogo": False,
    "responsive": True,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["select2d", "lasso2d"],
}
_TEXT: Final = {"family": "system-ui, sans-serif", "size": 13, "color": "#222"}


def front_figure(
    summary: Summary,
    found: Sequence[Candidate],
    trials: Sequence[Trial],
    confirmed: ConfirmedFront | None = None,
) -> go.Figure:
    """Returns every candidate and the front, with a slider through the finished trials.

    With three or more objectives a menu chooses two of them; a single one is drawn over the
    trials. Of more candidates than `MOST_POINTS`, those of `drawn` are there.

    Args:
        summary: Of the search.
        found: All candidates.
        trials: All trials.
        confirmed: The front as it was trained again.

    Raises:
        SearchError: If there is no candidate.
    """
    if not found:
        raise SearchError(f"`{summary.name}` has no measured trial yet, so there is no picture.")
    names, directions = list(summary.objectives), list(summary.objectives.values())
    shown = drawn(summary, found)
    parts = stages(names, directions, shown, trials, _MOST_STAGES)
    axes = {view: _axes(view, shown, confirmed) for view in views(summary.objectives)}
    params = {trial.number: dict(trial.params) for trial in trials}
    traces = layers(summary, parts, axes, params, confirmed)
    first = next(iter(axes))
    figure = go.Figure([_trace(layer, first, len(parts) - 1) for layer in traces])
    figure.update_layout(
        template="none",
        font=_TEXT,
        height=660,
        hovermode="closest",
        dragmode=False,  # else a finger could not scroll past it
        margin={"l": 70, "r": 15, "t": 45, "b": 215},  # below: the slider, then the legend
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
        hoverlabel={"bgcolor": "white", "font": _TEXT, "align": "left"},
        sliders=[_slider(parts, traces)],
        updatemenus=[_menu(axes, traces)] if len(axes) > 1 else [],
        **_axis_layout(first, axes[first]),
    )
    return figure


def parallel_figure(config: StudyConfig, trials: Sequence[Trial]) -> go.Figure:
    """Returns every measured trial as a line through its params and its best objectives.

    Its colour says its rank: 1 is the front, 2 the front of what is left without it, and so on.

    Args:
        config: The study file.
        trials: All trials.

    Raises:
        SearchError: If none was measured.
    """
    ranks = ranked_trials(config, trials)
    if not ranks:
        raise SearchError(f"`{config.name}` has no measured trial yet, so there is no picture.")
    last = max(ranks.values())
    line = {
        "color": np.array(list(ranks.values()), dtype=np.float64),
        "colorscale": "Cividis",
        "cmin": 1,
        "cmax": max(last, 2),
        "colorbar": {
            "title": {"text": "rank"},
            "thickness": 12,
            "tick0": 1,
            "dtick": -(-last // 8),
        },
    }
    dimensions = [scale.dimension() for scale in scales(config, trials, list(ranks))]
    figure = go.Figure(go.Parcoords(line=line, dimensions=dimensions, labelangle=-20))
    figure.update_layout(
        template="none", font=_TEXT, height=460, margin={"l": 110, "r": 20, "t": 110, "b": 30}
    )
    return figure


def drawn(summary: Summary, found: Sequence[Candidate]) -> list[Candidate]:
    """Returns the candidates that `front_figure` draws: all, or the front and every n-th other."""
    most = min(MOST_POINTS, 3 * MOST_POINTS // len(views(summary.objectives)))
    every = -(-len(found) // most)
    members = {member.label for member in summary.front}
    return [c for index, c in enumerate(found) if index % every == 0 or str(c) in members]


def script() -> str:
    """Returns plotly's own JavaScript, which a page needs once."""
    return str(get_plotlyjs())


def fragment(figure: go.Figure, name: str) -> str:
    """Returns a figure as HTML for a page that has `script()` in it.

    Args:
        figure: From this module.
        name: Of the HTML element; each figure of a page has another one.
    """
    options = {"full_html": False, "include_plotlyjs": False, "validate": False}
    return str(figure.to_html(div_id=name, config=_CONFIG, **options))


def standalone(figure: go.Figure, title: str) -> str:
    """Returns a figure as a whole HTML page that needs no network, of about 5 MB.

    Args:
        figure: From this module.
        title: Of the page.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<script>{script()}</script>\n</head>\n"
        f"<body>\n{fragment(figure, 'figure')}\n</body>\n</html>\n"
    )


def _axes(
    view: View, found: Sequence[Candidate], confirmed: ConfirmedFront | None
) -> tuple[Axis, Axis]:
    places = [view.place(c.trial, c.metrics) for c in found]
    for member in confirmed.members if confirmed else ():
        if member.means:
            x, y = view.place(member.trial, member.means)
            dx, dy = (member.errors.get(name or "", 0.0) for name in (view.x, view.y))
            places += [(x, y), (x - dx, y - dy), (x + dx, y + dy)]
    return Axis.around(x for x, _ in places), Axis.around(y for _, y in places)


def _trace(layer: Layer, view: View, stage: int) -> go.Scatter:
    x, y = layer.at(view)
    style = dict(layer.style)
    if layer.errors is not None:
        for name, lengths in zip(("error_x", "error_y"), layer.errors(view), strict=True):
            style[name] = {**style[name], "array": lengths}
    return go.Scatter(x=np.array(x), y=np.array(y), visible=layer.is_visible(stage), **style)


def _slider(parts: Sequence[Stage], traces: Sequence[Layer]) -> dict[str, Any]:
    steps = [
        {
            "label": part.label,
            "method": "restyle",
            "args": [{"visible": [layer.is_visible(index) for layer in traces]}],
        }
        for index, part in enumerate(parts)
    ]
    return {
        "active": len(parts) - 1,
        "steps": steps,
        "currentvalue": {"prefix": "finished trials: "},
        "pad": {"t": 60},
        "len": 1.0,
    }


def _menu(axes: Axes, traces: Sequence[Layer]) -> dict[str, Any]:
    buttons = [
        {
            "label": view.name,
            "method": "update",
            "args": [_moved(view, traces), _axis_layout(view, pair)],
        }
        for view, pair in axes.items()
    ]
    place = {"x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
    return {"type": "dropdown", "buttons": buttons, "showactive": True, **place}


def _moved(view: View, traces: Sequence[Layer]) -> dict[str, Any]:
    """Returns what changes of every trace when other objectives are looked at."""
    places = [layer.at(view) for layer in traces]
    errors = [layer.errors(view) if layer.errors else (None, None) for layer in traces]
    return {
        "x": [_short(x) for x, _ in places],
        "y": [_short(y) for _, y in places],
        "error_x.array": [x for x, _ in errors],
        "error_y.array": [y for _, y in errors],
    }


def _short(values: Sequence[float]) -> list[float]:
    """Returns values with the digits that a picture can show: these are written as text."""
    return [float(f"{value:.6g}") for value in values]


def _axis_layout(view: View, axes: tuple[Axis, Axis]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, label, axis in zip(("xaxis", "yaxis"), view.labels, axes, strict=True):
        found |= {
            f"{name}.title.text": html.escape(label),
            f"{name}.type": "log" if axis.is_log else "linear",
            f"{name}.range": [axis.low, axis.high],
            f"{name}.tickvals": axis.ticks,
            f"{name}.tickmode": "array" if axis.ticks else "auto",
            f"{name}.zeroline": False,
        }
    return found
