"""A report of a search: the page, and beside it its pictures, tables and JSON."""

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, final

from search.report.confirmed_figures import draw_confirmed
from search.report.course_figures import (
    draw_consistency,
    draw_hypervolume,
    draw_pareto_set,
    leading_trials,
)
from search.report.figures import draw_front
from search.report.frames import front_frame, measurements_frame, trials_frame
from search.report.hover import cut
from search.report.importance import draw_importance
from search.report.material import Material, plain
from search.report.page import page
from search.report.report_folder import finite, new_report

PAGE: Final = "report.html"
_MOST_CHARACTERS: Final = 32  # of a name in a picture
_AS_LINES: Final = ("front", "hypervolume")  # that are also written as .svg


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """A report that was written.

    Attributes:
        page: The page.
        files: All files.
        content: What `report.json` holds.
    """

    page: Path
    files: Sequence[Path]
    content: dict[str, Any]


def write_report(material: Material, out: Path, where: str = "") -> Written:
    """Writes a report into a folder, as a whole or not at all.

    Args:
        material: What to tell.
        out: A new or empty folder, or one with an earlier report, which is replaced.
        where: What a command needs to find the search, such as ` --workspace FOLDER`.

    Raises:
        SearchError: If something else is there, or it cannot be written.
    """
    content = finite(plain(material))
    with new_report(out, content) as draft:
        figures = _draw(material, draft)
        _write_tables(material, draft)
        text = page(material, figures, where)
        (draft / PAGE).write_text(text, encoding="utf-8", errors="replace")
    files = sorted(path for path in out.iterdir() if path.is_file())
    return Written(out / PAGE, files, content)


def _draw(material: Material, folder: Path) -> dict[str, Path]:
    """Draws everything that there is to draw; returns the PNGs by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a font lacks a letter of a name
        for name, draw in _drawings(_readable(material)).items():
            draw(folder / f"{name}.png")
            if name in _AS_LINES:
                draw(folder / f"{name}.svg")
    return {path.stem: path for path in folder.glob("*.png")}


def _drawings(material: Material) -> dict[str, Callable[[Path], None]]:
    """Returns names of pictures, and what draws each into a file."""
    name, summary = material.record.name, material.summary
    trials, found = material.trials, material.found
    confirmed, importance = material.confirmed, material.importance
    course = [moment for moment in material.course if moment.hypervolume is not None]
    drawings: dict[str, Callable[[Path], None]] = {}
    if course:
        drawings["hypervolume"] = lambda path: draw_hypervolume(name, course, path)
    if importance:
        drawings["importance"] = lambda path: draw_importance(name, importance, path)
    if confirmed is not None and any(member.means for member in confirmed.members):
        drawings["confirmed"] = lambda path: draw_confirmed(confirmed, path)
    if summary.front:
        chosen = leading_trials(summary)
        drawings["front"] = lambda path: draw_front(summary, found, path)
        drawings["pareto_set"] = lambda path: draw_pareto_set(summary, found, path)
        drawings["consistency"] = lambda path: draw_consistency(summary, trials, chosen, path)
    return drawings


def _write_tables(material: Material, folder: Path) -> None:
    record, trials = material.record, material.trials
    tables = {
        "front": front_frame(material.summary, material.confirmed),
        "trials": trials_frame(record, trials),
        "measurements": measurements_frame(record, trials),
    }
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)


def _readable(material: Material) -> Material:
    """Returns what is drawn with names that fit a picture and are no formulas to matplotlib."""
    summary, importance = material.summary, material.importance
    names = _unlike({name for item in importance for name in item.shares})
    (dataset,) = _unlike({summary.dataset}).values()
    drawn = [
        dataclasses.replace(
            item,
            shares={names[name]: value for name, value in item.shares.items()},
            chance={names[name]: value for name, value in item.chance.items()},
        )
        for item in importance
    ]
    summary = dataclasses.replace(summary, dataset=dataset)
    return dataclasses.replace(material, summary=summary, importance=drawn)


def _unlike(names: Iterable[str]) -> dict[str, str]:
    """Returns what to write for each name: as much of it as fits, unless two would be alike."""
    short = {name: cut(name, _MOST_CHARACTERS) for name in names}
    whole = len(set(short.values())) < len(short)
    return {name: (name if whole else short[name]).replace("$", r"\$") for name in short}
