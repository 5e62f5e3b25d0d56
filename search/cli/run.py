"""Commands that begin or go on with a search: init, run, resume."""

import re
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from search import driver
from search.changing import change, changed
from search.cli.app import (
    NameArgument,
    WorkspaceOption,
    app,
    console,
    reader_of,
    workspace_option,
)
from search.cli.live import show_while
from search.cli.values import above_zero, check_new, named_value
from search.config import SamplerName
from search.errors import SearchError
from search.growing import Range
from search.report.summary import summarize
from search.report.tables import front_table
from search.sections import DatasetSection, RuleName
from search.stopper import Ending
from search.study_file import builtin_study, load_study, packaged_text
from search.trial import TrialState
from search.workspace import Workspace

StudyArgument = Annotated[
    Path | None,
    typer.Argument(
        help="A study file, or digits or thesis, which come with the program; default: digits."
    ),
]
TrialsOption = Annotated[int | None, typer.Option("--trials", min=1, help="Finished trials.")]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Trials at once; default: as many as fit.")
]
SamplerOption = Annotated[
    SamplerName | None, typer.Option("--sampler", help="What proposes params.")
]

EarlyStoppingOption = Annotated[
    RuleName | None,
    typer.Option("--early-stopping", help="When weak trials end before their budget."),
]
StillTrialsOption = Annotated[
    int | None,
    typer.Option(
        "--still-trials", min=1, help="End once the hypervolume stood still for so many trials."
    ),
]
_LONGEST_NAME: Final = 63


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("study.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    study: Annotated[
        str, typer.Option("--study", help="Which one to start from: digits or thesis.")
    ] = "digits",
) -> None:
    """Write a study file with every key explained, to start from."""
    text = packaged_text(study)
    if path.exists() and not force:
        raise SearchError(f"{path} is there already. Name another file, or say --force.")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SearchError(f"Cannot write {path}: {error.strerror}.") from error
    print(f"Wrote {path}. Next: vaesearch check {path}, then vaesearch run {path}")


@app.command()
def run(
    study: StudyArgument = None,
    workspace: WorkspaceOption = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the search.")] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            help="digits, [binarised-]mnist, [binarised-]fashion-mnist, or a file or folder.",
        ),
    ] = None,
    data_dir: Annotated[
        str | None, typer.Option("--data-dir", help="Folder with the original IDX files.")
    ] = None,
    trials: TrialsOption = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Of each trial.")] = None,
    workers: WorkersOption = None,
    sampler: SamplerOption = None,
    early_stopping: EarlyStoppingOption = None,
    still_trials: StillTrialsOption = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of everything random.")] = None,
) -> None:
    """Start a search and run it to its end. Options override the study file."""
    config = builtin_study() if study is None else load_study(study)
    if dataset is not None:  # another one has other files and another extractor
        config = config.model_copy(update={"dataset": DatasetSection(name=dataset)})
    config = changed(
        config,
        name=_default_name(dataset) if name is None and study is None and dataset else name,
        data_dir=data_dir,
        trials=trials,
        epochs=epochs,
        workers=workers,
        sampler=sampler,
        early_stopping=early_stopping,
        still_trials=still_trials,
        seed=seed,
    )
    place = Workspace.at(workspace or config.workspace)
    driver.create(config, place)
    _drive(config.name, place)


@app.command()
def resume(
    name: NameArgument,
    workspace: WorkspaceOption = None,
    trials: Annotated[
        str | None,
        typer.Option(
            "--trials",
            metavar="N | +N",
            help="So many in all, beside retries; or so many more.",
        ),
    ] = None,
    workers: WorkersOption = None,
    sampler: SamplerOption = None,
    early_stopping: EarlyStoppingOption = None,
    hours: Annotated[
        float | None,
        typer.Option("--hours", callback=above_zero, help="Of the search in all, so far included."),
    ] = None,
    still_trials: StillTrialsOption = None,
    store_quota: Annotated[
        float | None,
        typer.Option("--store-quota", callback=above_zero, help="GB that the store may hold."),
    ] = None,
    widen: Annotated[
        list[str] | None,
        typer.Option("--widen", metavar="NAME=LOW:HIGH", help="A wider range; or =:HIGH, =LOW:."),
    ] = None,
    add_choice: Annotated[
        list[str] | None,
        typer.Option("--add-choice", metavar="NAME=VALUE", help="A further choice."),
    ] = None,
    accept_code_change: Annotated[
        bool,
        typer.Option(
            "--accept-code-change", help="Go on although models or metrics were changed since."
        ),
    ] = False,
) -> None:
    """Go on with a search: after Ctrl-C, a crash or a lost machine, or to extend it."""
    count, is_more = _number_of_trials(trials)
    place, reader = reader_of(name, workspace)
    planned = reader.record().config.budget.trials
    wanted = planned + count if count is not None and is_more else count
    finished = [trial for trial in reader.trials() if trial.state.is_finished]
    num_finished = sum("retries" not in (trial.origin or {}) for trial in finished)
    if wanted is not None and wanted < num_finished and not is_more:
        raise SearchError(
            f"`{name}` has {num_finished} finished trials (retries not counted), more than "
            f"--trials {wanted}. --trials +{wanted} asks for {wanted} more."
        )
    change(
        name,
        place,
        _ranges(widen or []),
        _choices(add_choice or []),
        accept_code_change,
        trials=wanted,
        workers=workers,
        sampler=sampler,
        hours=hours,
        early_stopping=early_stopping,
        still_trials=still_trials,
        store_quota_gb=store_quota,
    )
    _drive(name, place, accept_code_change)


def _drive(name: str, place: Workspace, accept_code_change: bool = False) -> None:
    """Runs a search with a live view, then shows its front and where to look next."""
    with show_while(name, place) as say:
        ending = driver.drive(name, place, say, accept_code_change)
    _, reader = reader_of(name, place.folder)
    trials = reader.trials()
    summary = summarize(reader.record(), trials, reader.remeasured())
    console.print(front_table(summary))
    if trials and all(trial.state is TrialState.FAILED for trial in trials):
        raise SearchError(f"Every trial failed; trial 0 because of this: {trials[0].reason}")
    where = workspace_option(place)
    if ending is Ending.SETTLED:
        still = reader.record().config.budget.still_trials
        print(f"\nThe hypervolume has stood still for {still} trials.")
    if ending in (Ending.FINISHED, Ending.SETTLED):
        print(
            f"\nNext: vaesearch ui{where}   (every trial, in MLflow)\n"
            f"      vaesearch pareto {name} --plot front.png --samples samples.png{where}\n"
            f"      vaesearch export {name} {_best_label(summary)} --out model{where}\n"
            f"      vaesearch resume {name} --trials +10{where}   (search on)"
        )
    else:
        print(f"\nThe search is {ending.value}; everything is saved.")
        quota = " --store-quota GB" if ending is Ending.OVER_QUOTA else ""
        print(f"Next: vaesearch resume {name}{quota}{where}")


def _best_label(summary: Any) -> str:
    knees = [member.label for member in summary.front if member.is_knee]
    return knees[0] if knees else "TRIAL"


def _default_name(dataset: str) -> str:
    """Returns a name for a search of the built-in space on other images."""
    stem = Path(dataset).stem
    plain = "".join(c if (c.isascii() and c.isalnum()) or c in "._-" else "-" for c in stem)
    return plain.lstrip("._-")[:_LONGEST_NAME] or "search"


def _number_of_trials(text: str | None) -> tuple[int | None, bool]:
    """Returns the number of `N` or `+N`, and whether it is meant on top of what there is."""
    if text is None:
        return None, False
    digits = text.removeprefix("+")
    if not re.fullmatch("[0-9]+", digits) or int(digits) == 0:
        raise typer.BadParameter(
            f"expected a number such as 40, or +10 for ten more. Received: {text!r}.",
            param_hint="--trials",
        )
    return int(digits), text.startswith("+")


def _ranges(texts: list[str]) -> dict[str, Range]:
    """Returns name -> (low, high) of "beta=0.01:10" and the like."""
    ranges: dict[str, Range] = {}
    for text in texts:
        name, _, ends = text.partition("=")
        low, colon, high = ends.partition(":")
        check_new(name, ranges, "--widen")
        try:
            ranges[name] = _number(low), _number(high)
        except ValueError:
            colon = ""
        if not (name and colon and (low or high)):
            raise typer.BadParameter(
                f"expected NAME=LOW:HIGH, such as beta=0.01:10. Received: {text!r}.",
                param_hint="--widen",
            )
    return ranges


def _number(text: str) -> float | int | None:
    if not text:
        return None
    return int(text) if re.fullmatch("[+-]?[0-9]+", text) else float(text)


def _choices(texts: list[str]) -> dict[str, list[Any]]:
    """Returns name -> further choices of "variant=dirvae" and the like."""
    choices: dict[str, list[Any]] = {}
    for text in texts:
        name, value = named_value(text, "--add-choice", "NAME=VALUE, such as variant=dirvae")
        choices.setdefault(name, []).append(value)
    return choices
