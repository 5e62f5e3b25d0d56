"""The command that runs published experiments again."""

import contextlib
import dataclasses
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from search.cli.app import JsonOption, WorkspaceOption, app, console, print_json
from search.errors import SearchError
from search.models.reproducing import Listed, Reproduction, Row, listed
from search.models.reproducing import reproduce as run_presets
from search.report.progress import duration
from search.workspace import Workspace

Report = Callable[[int, int, str], None]


@app.command()
def reproduce(
    preset: Annotated[
        str | None,
        typer.Argument(metavar="PRESET", help="An id, a study (t003), a glob, or exact."),
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="List presets, run none.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="A part of the images, two epochs.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Folder with the original IDX files.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything random.")] = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run published experiments again and show their figures beside the published ones."""
    if show_list:
        _list(listed(preset), as_json)
        return
    if preset is None:
        raise typer.BadParameter(
            "name a preset such as t003/A, or say --list.", param_hint="PRESET"
        )
    place = Workspace.at(workspace)
    done: list[Reproduction] = []
    with _progress() as report:
        for reproduction in run_presets(
            preset, place.cache, data_dir=data_dir, seed=seed, fast=fast, progress=report
        ):
            done.append(reproduction)
            if not as_json:
                _print(reproduction, seed)
    if as_json:
        print_json([{**reproduction.to_json(), "seed": seed} for reproduction in done])
    elif len(done) > 1:
        print(_counts([row for reproduction in done for row in reproduction.rows]))
    if missing := [reproduction for reproduction in done if reproduction.error]:
        which = missing[0].id if len(done) == 1 else f"{len(missing)} of {len(done)} presets"
        raise SearchError(f"Not run: {which}. {missing[0].error}")


def _list(presets: list[Listed], as_json: bool) -> None:
    if as_json:
        print_json([dataclasses.asdict(preset) for preset in presets])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("preset", "what", "source", "class", "figures", "time"):
        table.add_column(heading, no_wrap=heading == "preset")
    for preset in presets:
        table.add_row(
            preset.id,
            preset.summary,
            preset.source,
            preset.kind,
            str(preset.num_figures),
            duration(preset.seconds),
        )
    console.print(table)
    print(
        f"{len(presets)} presets. Class of the loosest figure: E exact, A bound, S stochastic, "
        "X invalid as published.\nTimes are rough, of one CPU core with all images."
    )


def _print(reproduction: Reproduction, seed: int) -> None:
    console.print(f"{reproduction.id}: {reproduction.summary} ({reproduction.source})")
    if reproduction.error:
        console.print(f"  not run: {reproduction.error}\n")
        return
    console.print(f"  {reproduction.images}, seed {seed}, {duration(reproduction.seconds)}")
    if reproduction.remark:
        console.print(f"  {reproduction.remark}")
    table = Table(box=None, pad_edge=False)
    for heading in ("  figure", "obtained", "published", "tolerance", "class", "verdict"):
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left")
    for row in reproduction.rows:
        verdict = f"{row.verdict} ({row.reason})" if row.reason else row.verdict
        table.add_row(
            f"  {row.measure}",
            _number(row.obtained, row.published),
            _number(row.published, row.published),
            row.tolerance,
            row.kind,
            verdict,
        )
    console.print(table)
    print(f"  {_counts(list(reproduction.rows))}\n")


_NUMBERS = ("obtained", "published")


def _number(value: float | None, published: float | None) -> str:
    """Returns a value with as many decimals as the published one has, or "-"."""
    if value is None:
        return "-"
    if value == int(value):
        return f"{value:,.0f}"
    if published is None or published == int(published):
        return f"{value:,.3f}"
    decimals = next((d for d in range(1, 6) if abs(round(published, d) - published) < 1e-9), 5)
    return f"{value:,.{decimals}f}"


def _counts(rows: list[Row]) -> str:
    verdicts = Counter(row.verdict for row in rows)
    agree, differ = verdicts["agrees"], verdicts["differs"]
    return f"{agree} agree, {differ} differ, {verdicts['not compared']} not compared."


@contextlib.contextmanager
def _progress() -> Iterator[Report]:
    """Yields a function that shows progress: a bar on a terminal, a line per tenth elsewhere."""
    if sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            task = bars.add_task("", total=None)
            yield lambda done, total, what: bars.update(
                task, completed=done, total=total, description=what
            )
        return
    tenths: dict[str, int] = {}

    def report(done: int, total: int, what: str) -> None:
        name = what.partition(",")[0]
        tenth = 10 * done // max(total, 1)
        if tenth > tenths.get(name, 0):
            tenths[name] = tenth
            print(f"{name}: {done}/{total}", file=sys.stderr, flush=True)

    yield report
