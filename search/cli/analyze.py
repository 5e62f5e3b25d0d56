"""Commands that look closely at models: analyze and compare."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from search.cli.app import (
    CANDIDATE,
    JsonOption,
    WorkspaceOption,
    app,
    console,
    parse_candidate,
    print_json,
    reader_of,
    trial_of,
)
from search.models.belongings import images_of
from search.models.quiet import load_tensorflow
from search.report.figures import check_picture
from search.report.tables import number, title
from search.store import TrialStore
from search.study.reader import StudyReader

SamplersOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sampler",
        help="How to draw latent vectors, such as prior*100, prior+2 or gaussian_mixture; "
        "may be given several times. Default: the model's own.",
    ),
]
NameOption = Annotated[str | None, typer.Argument(help="The search.", metavar="NAME")]


@app.command()
def analyze(
    name: NameOption = None,
    candidate: Annotated[
        str | None, typer.Argument(metavar=CANDIDATE, help="Such as 17, 17@40 or 17@40:gaussian.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="An exported model's folder instead of a trial.")
    ] = None,
    code: Annotated[
        Path | None,
        typer.Option("--code", help="Folder of the code that --model needs; it is run: trust it."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Images to hold --model against.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Folder with the original IDX files.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A new folder.", show_default="NAME-TRIAL@EPOCH-analysis, here"),
    ] = None,
    sampler: SamplersOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look closely at one model: pictures, numbers with their errors, alarms, on one page."""
    if model is not None:
        if name is not None:
            raise typer.BadParameter("give a search and a trial, or --model.", param_hint="--model")
        report = _of_model((model, code), (dataset, data_dir), out, sampler or [], as_json)
    elif name is None or candidate is None:
        raise typer.BadParameter(
            f"expected NAME {CANDIDATE}, or --model DIR.", param_hint=CANDIDATE
        )
    elif dataset is not None or data_dir is not None or code is not None:
        hint = "--dataset" if code is None else "--code"
        raise typer.BadParameter(
            "a search has images and code of its own; these are for --model.", param_hint=hint
        )
    else:
        report = _of_trial((name, candidate, workspace), out, sampler or [], as_json)
    if as_json:
        print_json({**report.to_json(), "page": str(report.page)})
        return
    for alarm in report.alarms:
        print(f"! {alarm}")
    count = len(report.results)
    print(f"Wrote {count} {'analysis' if count == 1 else 'analyses'}. Open {report.page}")


@app.command()
def compare(
    name: Annotated[str, typer.Argument(help="The search.", metavar="NAME")],
    candidates: Annotated[
        list[str], typer.Argument(metavar=f"{CANDIDATE}...", help="Such as 17 3@40.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A .png file.", show_default="NAME-comparison.png, here"),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw several models of a search row by row, and show their numbers side by side."""
    path = out or Path(f"{name}-comparison.png")
    if path.suffix.lower() != ".png":
        raise typer.BadParameter(f"expected a .png file. Received: {path}.", param_hint="--out")
    check_picture(path)
    wanted = [parse_candidate(text) for text in candidates]
    place, reader = reader_of(name, workspace)
    config, store = reader.record().config, _store(place, reader)
    trials = {trial: trial_of(reader, name, trial) for trial, _, _ in wanted}
    load_tensorflow()
    from search.models import analyzing
    from search.models.stored import chosen_epoch

    rows = {}
    for trial, epoch, samplers in wanted:
        kept = chosen_epoch(store, name, trial, epoch)
        row = analyzing.Wanted(trials[trial], kept, analyzing.parse_samplers(samplers))
        rows[row.label] = row
    models = analyzing.TrainedModels(name, config, store, images_of(reader, place))
    found = analyzing.compare_trials(models, list(rows.values()), path)
    if as_json:
        print_json({"picture": str(path), "models": found})
        return
    console.print(_numbers_table(found))
    print(f"Wrote {path}.")


def _of_trial(
    where: tuple[str, str, Path | None], out: Path | None, sampler: list[str], quiet: bool
) -> Any:
    name, candidate, workspace = where
    trial_number, epoch, own = parse_candidate(candidate)
    place, reader = reader_of(name, workspace)
    config, store = reader.record().config, _store(place, reader)
    trial = trial_of(reader, name, trial_number)
    load_tensorflow()
    from search.models import analyzing
    from search.models.stored import check_folder, chosen_epoch

    samplers = analyzing.parse_samplers(own + sampler)
    kept = chosen_epoch(store, name, trial_number, epoch)
    folder = out or Path(f"{name}-{trial_number}@{kept}-analysis")
    check_folder(folder)
    models = analyzing.TrainedModels(name, config, store, images_of(reader, place))
    wanted = analyzing.Wanted(trial, kept, samplers)
    with _showing(quiet) as progress:
        return analyzing.analyze_trial(models, wanted, folder, progress)


def _of_model(
    where: tuple[Path, Path | None],
    data: tuple[str | None, Path | None],
    out: Path | None,
    sampler: list[str],
    quiet: bool,
) -> Any:
    (model, code), (dataset, data_dir) = where, data
    if dataset is None and data_dir is not None:
        raise typer.BadParameter("say which with --dataset.", param_hint="--data-dir")
    load_tensorflow()
    from search.models import analyzing

    samplers = analyzing.parse_samplers(sampler)
    folder = out or Path(f"{model.resolve().name}-analysis")
    images = None if dataset is None else (dataset, data_dir)
    with _showing(quiet) as progress:
        return analyzing.analyze_model(model, code, images, samplers, folder, progress)


def _store(place: Any, reader: StudyReader) -> TrialStore:
    return TrialStore(place.known_store(reader.record().config), reader.id)


@contextlib.contextmanager
def _showing(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Shows what is being analyzed, on a terminal; yields the callback that says it."""
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.completed}/{task.total}"),
        BarColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("the model", total=None)
        yield lambda text, done, total: bar.update(
            task, description=text, completed=done, total=total
        )


def _numbers_table(found: dict[str, dict[str, Any]]) -> Table:
    names = list(dict.fromkeys(key for numbers in found.values() for key in numbers))
    table = Table(box=None, pad_edge=False)
    table.add_column("trial@epoch", no_wrap=True)
    for key in names:
        table.add_column(title(key), justify="right")
    for model, numbers in found.items():
        table.add_row(model, *(_cell(numbers.get(key)) for key in names))
    return table


def _cell(found: dict[str, Any] | None) -> str:
    if found is None:
        return "-"
    error = found["standard_error"]
    return number(found["value"]) + (f" ± {number(error)}" if error else "")
