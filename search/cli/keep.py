"""Commands on what a search keeps: prune, delete, logs."""

import contextlib
import sys
import time
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from search.cli.app import (
    JsonOption,
    NameArgument,
    WorkspaceOption,
    app,
    console,
    opened,
    print_json,
    reader_of,
    trial_of,
)
from search.deleting import Contents, deleting
from search.errors import SearchError
from search.files import shown_size
from search.prune_plan import DELETED, Kind, Plan
from search.pruning import plan_pruning
from search.store import TrialStore
from search.study.history import add_event
from search.study.lease import current_holder
from search.study.reader import StudyReader
from search.trial import Trial

_FOLLOW_SECONDS: Final = 0.5

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def prune(
    name: NameArgument,
    keep: Annotated[
        int, typer.Option("--keep", min=0, help="Trials beside the front to keep the best of.")
    ] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete stored weights and states that no front needs, also while the search runs."""
    place, reader = reader_of(name, workspace)
    plan = plan_pruning(reader, place.known_store(reader.record().config), keep)
    if not as_json:
        _show(plan)
    is_wanted = bool(plan.trials) and not dry_run
    if is_wanted:
        size = shown_size(plan.doomed_bytes)
        is_wanted = _agreed(f"Delete {plan.num_doomed} files, {size}?", yes, as_json)
    if is_wanted:
        plan.carry_out()
        done = {"files": plan.num_doomed, "freed": shown_size(plan.doomed_bytes)}
        add_event(reader.engine, reader.id, "store pruned", {**done, "kept beside the front": keep})
    if as_json:
        print_json(_plan_json(plan, is_wanted))
    elif is_wanted:
        print(f"Deleted {plan.num_doomed} files, {shown_size(plan.doomed_bytes)}.")
    elif not plan.trials:
        print("Nothing to delete.")
    else:
        print("Nothing was deleted.")


@app.command()
def delete(
    name: NameArgument,
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a search: its trials, its weights and its runs in MLflow."""
    place, _ = reader_of(name, workspace)
    with deleting(name, place) as deletion:
        contents = deletion.contents()
        if not as_json:
            print(_described(name, contents))
        is_wanted = _agreed(f"Delete `{name}` for good?", yes, as_json)
        left = deletion.carry_out() if is_wanted else None
    if as_json:
        print_json({"name": name, "deleted": is_wanted, **contents.to_json(), "left": left})
        return
    print(f"Deleted `{name}`." if is_wanted else "Nothing was deleted.")
    if left is not None:
        print(f"! {left}")


@app.command()
def logs(
    name: NameArgument,
    trial: Annotated[
        int | None,
        typer.Argument(min=0, help="Its number; on a cluster, none is the search's driver."),
    ] = None,
    attempt: Annotated[
        int | None, typer.Option("--attempt", min=1, help="Only this one; default: all.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show the last attempt as it grows, to its end.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a trial logged: params, losses, warnings, the traceback of an error."""
    if follow and as_json:
        raise typer.BadParameter("a log that grows is no JSON.", param_hint="--follow")
    place, engine = opened(workspace)
    if trial is None:
        from search.cli.cluster import show_driver_log

        show_driver_log(name, engine, follow)
        return
    reader = StudyReader(engine, name)
    found = trial_of(reader, name, trial)
    store = TrialStore(place.known_store(reader.record().config), reader.id)
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            _follow(reader, store, found, attempt)
        return
    texts = _logs(store, trial, attempt)
    if as_json:
        attempts = [{"attempt": number, "text": text} for number, text in texts.items()]
        state = {"state": found.state.value, "reason": found.reason}
        print_json({"trial": trial, **state, "attempts": attempts})
        return
    if not texts:
        which = f"attempt {attempt} of trial {trial}" if attempt else f"trial {trial}"
        raise SearchError(f"There is no log of {which}. {_ending(found)}")
    for number, text in texts.items():
        print(f"=== trial {trial}, attempt {number} ===\n{text}", end="")
    print(f"=== {_ending(found)}")


def _show(plan: Plan) -> None:
    """Prints what goes and what stays."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("")
    table.add_column("files", justify="right")
    table.add_column("size", justify="right")
    for kind in [kind for kind in Kind if plan.num_files[kind]]:
        verb = "delete" if kind in DELETED else "keep"
        size = shown_size(plan.num_bytes[kind])
        table.add_row(verb, kind.value, str(plan.num_files[kind]), size)
    if table.row_count:
        console.print(table)
    for label, reason in plan.unclear.items():
        print(f"! Trial {label} is left alone: {reason}.")
    for path in plan.unknown:
        print(f"! {path} belongs to nothing that the study knows, and is left alone.")


def _plan_json(plan: Plan, is_done: bool) -> dict[str, Any]:
    rows = [
        {"what": kind.value, "files": plan.num_files[kind], "bytes": plan.num_bytes[kind]}
        for kind in Kind
        if plan.num_files[kind]
    ]
    doomed = [kind.value for kind in DELETED]
    return {
        "deleted": is_done,
        "delete": [row for row in rows if row["what"] in doomed],
        "keep": [row for row in rows if row["what"] not in doomed],
        "left_alone": plan.unclear,
        "unknown": plan.unknown,
    }


def _described(name: str, contents: Contents) -> str:
    runs = f", {contents.num_runs} runs in MLflow" if contents.num_runs else ""
    size = shown_size(contents.num_bytes)
    return (
        f"{name}: {contents.num_trials} trials{runs}, "
        f"{contents.num_files} files ({size}) in {contents.folder}"
    )


def _agreed(question: str, yes: bool, as_json: bool) -> bool:
    """Returns whether a person agrees, or has by `--yes`."""
    if yes:
        return True
    if as_json or not sys.stdin.isatty():
        raise SearchError(
            "Nothing was deleted: there is no terminal to ask on. Say --yes to agree."
        )
    return typer.confirm(question)


def _logs(store: TrialStore, trial: int, attempt: int | None) -> dict[int, str]:
    """Returns the logs of a trial by attempt, those that it has."""
    wanted = store.attempts(trial) if attempt is None else [attempt]
    found = {number: store.read_log(trial, number) for number in wanted}
    return {number: text for number, text in found.items() if text is not None}


def _follow(reader: StudyReader, store: TrialStore, trial: Trial, attempt: int | None) -> None:
    """Prints an attempt's log as it grows, then those of later attempts, until the trial ends."""
    shown, text = 0, ""
    while True:
        # First whether it has ended, then the log: what it ends with must not be missed.
        trial = reader.trials(trial.number)[0]
        is_over = trial.state.is_finished or current_holder(reader.engine, reader.id) is None
        numbers = store.attempts(trial.number) if attempt is None else [attempt]
        for number in [n for n in numbers[-1:] if n >= shown]:
            found = store.read_log(trial.number, number) or ""
            if number > shown:
                shown, text = number, ""
                print(f"=== trial {trial.number}, attempt {number} ===")
            print(_news(text, found), end="", flush=True)
            text = text if text.startswith(found) else found
        if is_over:
            break
        time.sleep(_FOLLOW_SECONDS)
    print(f"=== {_ending(trial)}")


def _news(before: str, now: str) -> str:
    """Returns what a log has gained; of one that has lost its middle, what follows its old end."""
    if before.startswith(now):
        return ""  # seen while it is being written
    if now.startswith(before):
        return now.removeprefix(before)
    last = before.splitlines(keepends=True)[-1:]
    return now.rpartition(last[0])[2] if last and last[0] in now else now


def _ending(trial: Trial) -> str:
    reason = f": {trial.reason}" if trial.reason else ""
    return f"Trial {trial.number} is {trial.state.value}{reason}."
