"""Commands that begin or go on with a search: init, run, resume."""

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
from search.cli.on_cluster import chosen_cluster, refuse_beside_cluster
from search.cli.values import above_zero, choices_of, number_of_trials, ranges_of
from search.config import SamplerName, StudyConfig
from search.errors import SearchError
from search.models.belongings import kept, with_code
from search.report.spending import spending_table
from search.report.summary import summarize
from search.report.tables import front_table
from search.sections import DatasetSection, RuleName
from search.spending import Spending
from search.stopper import Ending
from search.study.database import open_database
from search.study.reader import list_names
from search.study.searches import check_same
from search.study.submissions import WorkKind
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
RayOption = Annotated[
    str | None,
    typer.Option("--ray", help="A Ray cluster to join, such as auto, in place of this machine."),
]
ProfileOption = Annotated[
    bool, typer.Option("--profile", help="Show at the end where the workers' time went.")
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
    or_resume: Annotated[
        bool, typer.Option("--or-resume", help="Go on with the search if it is there already.")
    ] = False,
    ray: RayOption = None,
    profile: ProfileOption = False,
) -> None:
    """Start a search and run it to its end. Options override the study file."""
    config = run_options(
        study,
        dataset,
        name=name,
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
    if chosen_cluster() is not None:
        from search.cli.cluster import made, submit_config

        refuse_beside_cluster(ray=ray, profile=profile)
        submit_config(made(place.folder)[1], config)
    else:
        if not (or_resume and _exists(config, place)):
            driver.create(config, place)
        _drive(config.name, place, ray=ray, profile=profile)


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
    code: Annotated[
        str | None,
        typer.Option("--code", help="Your own code as it is now, in place of what is kept."),
    ] = None,
    accept_code_change: Annotated[
        bool,
        typer.Option(
            "--accept-code-change", help="Go on although models or metrics were changed since."
        ),
    ] = False,
    ray: RayOption = None,
    profile: ProfileOption = False,
) -> None:
    """Go on with a search: after Ctrl-C, a crash or a lost machine, or to extend it."""
    count, is_more = number_of_trials(trials)
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
    changes: dict[str, Any] = {
        "widen": ranges_of(widen or []),
        "add_choices": choices_of(add_choice or []),
        "accept_code_change": accept_code_change,
        "trials": wanted,
        "workers": workers,
        "sampler": sampler,
        "hours": hours,
        "early_stopping": early_stopping,
        "still_trials": still_trials,
        "store_quota_gb": store_quota,
        "code": None if code is None else kept(reader.engine, code),
    }
    if chosen_cluster() is not None:
        from search.cli.cluster import submit_work

        refuse_beside_cluster(ray=ray, profile=profile)
        submit_work(reader.engine, name, WorkKind.SEARCH, changes)
        return
    change(name, place, **changes)
    _drive(name, place, accept_code_change, ray, profile)


def run_options(study: Path | None, dataset: str | None = None, **changes: Any) -> StudyConfig:
    """Returns a study file, or the one that comes with the program, with options' values."""
    config = builtin_study() if study is None else load_study(study)
    if dataset is not None:  # another one has other files and another extractor
        config = config.model_copy(update={"dataset": DatasetSection(name=dataset)})
        if study is None and changes["name"] is None:
            changes["name"] = _default_name(dataset)
    return changed(config, **changes)


def _exists(config: StudyConfig, place: Workspace) -> bool:
    """Returns whether the search is there already, and says where its study differs.

    Raises:
        SearchError: If it is another search.
    """
    if place.database is None and not place.study_file.exists():
        return False
    engine = open_database(place.study_url)
    if config.name not in list_names(engine):
        return False
    check_same(engine, with_code(config)[0])
    print(f"`{config.name}` is there already and goes on as it is; `resume` has options.")
    return True


def _drive(
    name: str,
    place: Workspace,
    accept_code_change: bool = False,
    ray: str | None = None,
    profile: bool = False,
) -> None:
    """Runs a search with a live view, then shows its front and where to look next."""
    accounts: list[Spending] = []
    hooks = driver.Hooks(account=accounts.append)
    with show_while(name, place) as say:
        ending = driver.drive(name, place, say, accept_code_change, ray=ray, hooks=hooks)
    for spending in accounts if profile else ():
        console.print(spending_table(spending))
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
