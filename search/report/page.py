"""The page of a search: one HTML file that needs no network, by a template that escapes."""

import datetime
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from search.report import interactive
from search.report.data_uri import data_uri, smaller
from search.report.material import Material
from search.report.page_front import front_section
from search.report.page_study import question_section, reproduction_section
from search.report.page_trials import cost_section, ended_section, picture_section
from search.report.tables import title

_TEMPLATE: Final = "page.html"
_SHORT: Final = 120  # characters of a table's cell; a longer text is cut, and whole in its title


def page(material: Material, figures: Mapping[str, Path], where: str) -> str:
    """Returns the page.

    Args:
        material: What to tell.
        figures: Name -> PNG that was drawn; what is not there could not be drawn.
        where: What a command needs to find the search, such as ` --workspace FOLDER`.

    Raises:
        OSError: If a figure cannot be read.
    """
    summary = material.summary
    is_measured = bool(material.found)
    context = {
        "name": summary.name,
        "status": material.state.word,
        "state": material.state,
        "written_at": material.written_at,
        "question": question_section(material.record),
        "front": front_section(material),
        "num_shown": len(interactive.drawn(summary, material.found)) if is_measured else 0,
        "has_open": any(not t.state.is_finished and t.measurements for t in material.trials),
        "ended": ended_section(material),
        "importance": _importance(material),
        "pictures": picture_section(material),
        "costs": cost_section(material.costs),
        "reproduction": reproduction_section(material.record, where),
        "figures": {name: data_uri(smaller(path.read_bytes())) for name, path in figures.items()},
        "script": Markup(interactive.script()) if is_measured else "",
        "interactive": _interactive(material) if is_measured else {},
    }
    return _environment().get_template(_TEMPLATE).render(context)


def _interactive(material: Material) -> dict[str, Markup]:
    """Returns the interactive figures, which plotly has made safe to stand in a page."""
    front = interactive.front_figure(
        material.summary, material.found, material.trials, material.confirmed
    )
    lines = interactive.parallel_figure(material.record.config, material.trials)
    return {
        "front": Markup(interactive.fragment(front, "front-figure")),
        "parallel": Markup(interactive.fragment(lines, "parallel-figure")),
    }


def _importance(material: Material) -> dict[str, Any]:
    found = material.importance
    names = sorted(
        {name for item in found for name in item.shares},
        key=lambda name: (-max(item.shares[name] for item in found), name),
    )
    rows = [
        [
            name,
            *(
                f"{item.shares[name]:.0%}{'*' if name in item.clear else ''} "
                f"({item.chance[name]:.0%})"
                for item in found
            ),
        ]
        for name in names
    ]
    nothing = [title(item.objective) for item in found if not item.clear]
    first = f"{found[0].num_best} of {found[0].num_trials}" if found else ""
    return {
        "heads": ["parameter", *(title(item.objective) for item in found)],
        "rows": rows,
        "who": first,
        "nothing": nothing,
        "remarks": material.importance_remarks,
    }


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("search", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell
    environment.filters["moment"] = _moment
    return environment


def _cell(text: str) -> Markup:
    """Returns text for a table's cell: a long one is cut, and whole where one points at it."""
    if len(text) <= _SHORT:
        return Markup("{}").format(text)
    return Markup('<span title="{}">{}…</span>').format(text, text[:_SHORT])


def _moment(unix_time: float | None) -> str:
    if unix_time is None:
        return "-"
    when = datetime.datetime.fromtimestamp(unix_time, datetime.UTC)
    return when.strftime("%Y-%m-%d %H:%M UTC")
