"""Commands that steer a search from anywhere: stop, retry, enqueue, fork."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

import sqlalchemy as sa
import typer

from search.changing import fork as fork_search
from search.cli.app import (
    JsonOption,
    NameArgument,
    WorkspaceOption,
    app,
    opened,
    print_json,
    reader_of,
    trial_of,
    workspace_option,
)
from search.cli.values import check_new, named_value
from search.config import replaced
from search.driver import held
from search.errors import LeaseHeldError, SearchError
from search.executor.desk import Desk
from search.report.tables import short
from search.space import flat_items
from search.stopper import Ending
from search.study.lease import Holder, current_holder
from search.study.reader import StudyReader, list_names
from search.study.requests import Kind, open_requests, post, post_point
from search.study.submissions import unwant
from search.study_file import load_study
from search.trial import Params, Trial, TrialState
from search.workspace import Workspace

_STOP_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.2


@app.command()
def stop(
    name: NameArgument,
    trial: Annotated[
        int | None, typer.Option("--trial", min=0, help="End this trial alone, for good.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a running search to save and end, or one of its trials, and wait until it has."""
    place, engine = opened(workspace)
    if trial is None and name not in list_names(engine) and _end_submission(engine, name):
        return
    reader = StudyReader(engine, name)
    if trial is not None:
        ended = _stop_trial(place, reader, trial_of(reader, name, trial))
        if as_json:
            print_json({"name": name, "trial": trial, "state": ended.state.value})
        else:
            print(f"Trial {trial} is {ended.state.value} after epoch {ended.last_epoch}.")
        return
    holder = current_holder(reader.engine, reader.id)
    if holder is None and _end_submission(engine, name):
        return
    unwant(engine, name, Ending.STOPPED.value)
    if holder is None:
        where = workspace_option(place)
        raise SearchError(f"Nobody runs `{name}` now. `vaesearch status {name}{where}` shows it.")
    post(reader.engine, reader.id, Kind.STOP)
    _wait(
        lambda: current_holder(reader.engine, reader.id) is None,
        f"{holder} did not end `{name}` within {_STOP_SECONDS:.0f} s.",
    )
    if as_json:
        print_json({"name": name, "stopped": True, "driver": str(holder)})
    else:
        print(f"Stopped. `vaesearch resume {name}{workspace_option(place)}` goes on.")


@app.command()
def retry(
    name: NameArgument,
    trials: Annotated[list[int] | None, typer.Argument(help="Trials that ended.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Every failed trial that was not retried yet.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try trials again, as new ones with the same params and fresh seeds, on top of the budget."""
    place, reader = reader_of(name, workspace)
    chosen = [trial_of(reader, name, number) for number in trials or []]
    if unfinished := [trial.number for trial in chosen if not trial.state.is_finished]:
        raise SearchError(f"Trial {unfinished[0]} has not ended yet; there is nothing to retry.")
    if failed:
        chosen += _failed(reader)
    if not chosen:
        what = "No failed trial is left to retry" if failed else "Name trials, or say --failed"
        raise SearchError(f"{what}. `vaesearch status {name}` lists the trials of `{name}`.")
    numbers = list(dict.fromkeys(trial.number for trial in chosen))
    for number in numbers:
        params = dict(reader.trials(number)[0].params)
        post_point(reader.engine, reader.id, params, retries=number)
    if as_json:
        print_json({"name": name, "retried": numbers})
        return
    shown = ", ".join(map(str, numbers))
    print(f"Will try again: trial{'s' if len(numbers) > 1 else ''} {shown}.")
    print(_when_tried(reader, place))


@app.command()
def enqueue(
    name: NameArgument,
    values: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE...", help="Such as beta=0.5 widths=[64,32].")
    ],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a point to try next; what it leaves open, the sampler fills in."""
    place, reader = reader_of(name, workspace)
    record = reader.record()
    point = _point(values)
    flat_items(record.config.parameters, record.config.fixed, point)  # refuses what does not fit
    post_point(reader.engine, reader.id, point)
    if as_json:
        print_json({"name": name, "enqueued": point})
        return
    print(f"Will try {short(point)}.")
    num_asked = len(open_requests(reader.engine, reader.id, Kind.ENQUEUE))
    num_left = record.num_trials - record.num_retries - _num_chosen(reader.trials())
    if num_asked > num_left:
        more = num_asked - max(0, num_left)
        where = workspace_option(place)
        print(f"The budget is used up. Next: vaesearch resume {name} --trials +{more}{where}")
    else:
        print(_when_tried(reader, place))


@app.command()
def fork(
    name: NameArgument,
    new: Annotated[str, typer.Argument(help="Name of the new search.", metavar="NEW")],
    study: Annotated[
        Path | None, typer.Option("--study", help="Another study file; default: that of NAME.")
    ] = None,
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="Finished trials.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new search that begins with what another one knows."""
    place, reader = reader_of(name, workspace)
    config = load_study(study) if study is not None else reader.record().config
    values = {**config.model_dump(mode="json"), "name": new}
    if trials is not None:
        values["budget"]["trials"] = trials
    known = fork_search(name, replaced(values), place)
    if as_json:
        print_json({"name": new, "source": name, "known_trials": known})
        return
    knows = (
        f"its sampler knows {known} trials of `{name}`"
        if known
        else f"it tries the front of `{name}` first, as their measurements cannot be compared"
    )
    print(f"Made `{new}`: {knows}.\nNext: vaesearch resume {new}{workspace_option(place)}")


def _end_submission(engine: sa.Engine, name: str) -> bool:
    """Ends what waits to be run on a cluster; returns whether there is any."""
    was_wanted = unwant(engine, name, Ending.STOPPED.value)
    if was_wanted:
        print(f"`{name}` waited for its turn on the cluster; it will not be started.")
    return was_wanted


def _num_chosen(trials: Sequence[Trial]) -> int:
    """Returns how many trials used up the budget: all but retries."""
    return sum("retries" not in (trial.origin or {}) for trial in trials)


def _stop_trial(place: Workspace, reader: StudyReader, trial: Trial) -> Trial:
    """Ends one trial: by the search's driver if there is one, else here."""
    number = trial.number
    if trial.state.is_finished:
        raise SearchError(f"Trial {number} is {trial.state.value} already.")
    if _is_confirmed_now(reader):
        raise SearchError(
            f"`{reader.name}` is being confirmed, and none of its own trials run. Try again when "
            "that has ended."
        )
    post(reader.engine, reader.id, Kind.STOP_TRIAL, {"trial": number})
    holder = current_holder(reader.engine, reader.id)
    if holder is None:
        _do_requests(place, reader)
    _wait(
        lambda: reader.trials(number)[0].state.is_finished,
        f"{_named(holder)} did not end trial {number} within {_STOP_SECONDS:.0f} s. It will when "
        "it can.",
    )
    return reader.trials(number)[0]


def _do_requests(place: Workspace, reader: StudyReader) -> None:
    """Does what was asked for of a search that nobody runs."""
    try:
        with held(reader.engine, reader, place) as writer:
            writer.mend()
            desk = Desk(writer, 0)
            desk.look()
            if desk.error is not None:
                raise desk.error
    except LeaseHeldError:
        return  # a driver has started just now, and does it


def _named(holder: Holder | None) -> str:
    return str(holder) if holder else "The search's driver"


def _wait(is_done: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while not is_done():
        if time.monotonic() > deadline:
            raise SearchError(failure)
        time.sleep(_LOOK_SECONDS)


def _failed(reader: StudyReader) -> list[Trial]:
    """Returns the failed trials that nobody has asked to retry."""
    trials = reader.trials()
    retried = {(trial.origin or {}).get("retries") for trial in trials}
    for request in open_requests(reader.engine, reader.id, Kind.RETRY):
        retried.add(request.payload["origin"]["retries"])
    return [t for t in trials if t.state is TrialState.FAILED and t.number not in retried]


def _when_tried(reader: StudyReader, place: Workspace) -> str:
    holder = current_holder(reader.engine, reader.id)
    command = f"vaesearch resume {reader.name}{workspace_option(place)}"
    if holder is None:
        return f"Next: {command}"
    if _is_confirmed_now(reader):
        return f"Next, when its confirmation has ended: {command}"
    return f"{holder} starts it as soon as a worker is free."


def _is_confirmed_now(reader: StudyReader) -> bool:
    """Returns whether whoever holds the search trains its front again, and nothing else."""
    if current_holder(reader.engine, reader.id) is None:
        return False
    kinds = ("driver started", "driver ended", "confirmation started", "confirmation ended")
    last = [event.kind for event in reader.events() if event.kind in kinds][-1:]
    return last == ["confirmation started"]


def _point(values: Sequence[str]) -> Params:
    """Returns params of "beta=0.5" and the like."""
    option = "KEY=VALUE"
    point: Params = {}
    for text in values:
        name, value = named_value(text, option, f"{option}, such as beta=0.5")
        check_new(name, point, option)
        point[name] = value
    return point
