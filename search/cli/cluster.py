"""Commands on a cluster: submit, jobs; and those that run there: drive, supervise, migrate."""

import contextlib
import dataclasses
import os
import time
from pathlib import Path
from typing import Annotated, Any, Final

import sqlalchemy as sa
import typer
from rich.table import Table

from search.cli.app import (
    JsonOption,
    NameArgument,
    WorkspaceOption,
    app,
    cluster_option,
    console,
    opened,
    print_json,
)
from search.cli.on_cluster import chosen_cluster
from search.cli.run import StudyArgument, TrialsOption, WorkersOption, run_options
from search.config import StudyConfig
from search.errors import SearchError, WorkersError
from search.study.database import open_database
from search.study.lease import current_holder
from search.study.reader import StudyReader, list_names
from search.study.submissions import Submission, WorkKind, list_submissions, read_submission
from search.workspace import CLUSTER, Workspace

_LOOK_SECONDS: Final = 5.0

DetachOption = Annotated[
    bool, typer.Option("--detach", help="Do not wait; the search goes on by itself.")
]


@app.command()
def submit(
    study: StudyArgument = None,
    workspace: WorkspaceOption = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the search.")] = None,
    trials: TrialsOption = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Of each trial.")] = None,
    workers: WorkersOption = None,
    detach: DetachOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a search on a cluster, and show how it goes; Ctrl-C leaves it running."""
    config = run_options(study, name=name, trials=trials, epochs=epochs, workers=workers)
    submit_config(made(workspace)[1], config, detach, as_json)


@app.command("jobs")
def list_jobs(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List what was submitted to a cluster, and what became of it."""
    _, engine = opened(workspace)
    rows = [_row(engine, item) for item in list_submissions(engine)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        print("Nothing was submitted yet. `vaesearch submit STUDY.yaml` does that.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("search", "what", "owner", "state", "job", "jobs", "last word"):
        table.add_column(heading)
    for row in rows:
        keys = ("name", "kind", "owner", "state", "job", "num_jobs", "message")
        table.add_row(*("" if row[key] is None else str(row[key]) for key in keys))
    console.print(table)


@app.command()
def drive(
    name: NameArgument,
    workspace: WorkspaceOption = None,
    ray: Annotated[str, typer.Option("--ray", help="The Ray cluster to join.")] = "auto",
) -> None:
    """Do what was submitted under a name, here: a job on the cluster's head runs this."""
    from search.submitting import work_on

    place, _ = opened(workspace)
    ending = work_on(name, place, lambda text: print(text, flush=True), ray)
    print(f"{name} is {ending.value}.")


@app.command()
def supervise(
    workspace: WorkspaceOption = None,
    seconds: Annotated[
        float, typer.Option("--every", min=0.1, help="Seconds between two looks.")
    ] = _LOOK_SECONDS,
) -> None:
    """See to it that what was submitted runs: after a lost head or job, start another one."""
    from search.executor.jobs import Jobs
    from search.submitting import supervise as look

    address, complaint = _address(), ""
    # For whoever watches that this goes on looking: a health check of the container.
    beat = Workspace.at(workspace).folder / ".supervisor"
    beat.parent.mkdir(parents=True, exist_ok=True)
    print(f"Seeing to it that what was submitted to {address} runs; Ctrl-C ends this.", flush=True)
    while True:
        try:
            _, engine = made(workspace)
            look(engine, Jobs(address), lambda text: print(text, flush=True))
            engine.dispose()
            complaint = ""
        except (SearchError, sa.exc.SQLAlchemyError) as error:
            text = " ".join(str(error).split())[:300]
            if text != complaint:  # once for an outage
                print(text, flush=True)
            complaint = text
        beat.touch()
        time.sleep(seconds)


@app.command()
def migrate(workspace: WorkspaceOption = None) -> None:
    """Bring the study database to this version's format; makes an empty one ready."""
    _, engine = made(workspace)
    print(f"The study database is ready; searches: {len(list_names(engine))}.")


def submit_config(
    engine: sa.Engine, config: StudyConfig, detach: bool = False, as_json: bool = False
) -> None:
    """Submits a study to the chosen cluster."""
    from search.executor.jobs import Jobs
    from search.submitting import submit_search

    jobs = Jobs(_address())
    item, is_new = submit_search(engine, config, jobs)
    _attend(engine, jobs, item, is_new, detach, as_json)


def submit_work(engine: sa.Engine, name: str, kind: WorkKind, options: dict[str, Any]) -> None:
    """Has the chosen cluster go on with a search, or confirm its front."""
    from search.executor.jobs import Jobs
    from search.submitting import submit_more

    jobs = Jobs(_address())
    given = {key: value for key, value in options.items() if value}
    item, is_new = submit_more(engine, name, kind, given, jobs)
    _attend(engine, jobs, item, is_new)


def show_driver_log(name: str, engine: sa.Engine, follow: bool) -> None:
    """Prints what the last driver of a search on the chosen cluster said."""
    from search.executor.jobs import Jobs

    item = read_submission(engine, name)
    if item is None or item.job_id is None:
        raise SearchError(f"`{name}` was not submitted to a cluster. Name a trial, such as 0.")
    jobs = Jobs(_address())
    if follow:
        _follow(engine, jobs, item)
    else:
        print(jobs.log(item.job_id), end="")


def _attend(
    engine: sa.Engine,
    jobs: Any,
    item: Submission,
    is_new: bool,
    detach: bool = False,
    as_json: bool = False,
) -> None:
    """Says what was done, and shows what the job prints until it ends."""
    name, where = item.name, cluster_option()
    if as_json:
        print_json({**_row(engine, item), "is_new": is_new})
        return
    done = "Submitted" if is_new else "Attached to"
    print(f"{done} the {item.kind.value} `{name}`, job {item.job_id}.")
    if not detach:
        print("Ctrl-C leaves it running.", flush=True)
        try:
            _follow(engine, jobs, item)
            return
        except KeyboardInterrupt:
            print("\nIt goes on.")
    print(
        f"Next: vaesearch status {name} --watch{where}\n"
        f"      vaesearch logs {name} --follow{where}\n"
        f"      vaesearch stop {name}{where}"
    )


def _follow(engine: sa.Engine, jobs: Any, item: Submission) -> None:
    """Prints what a submission's jobs print, until it is not wanted any more."""
    followed, is_waiting = None, False
    while True:
        if item.job_id is not None and item.job_id != followed:
            if followed is not None:
                print(f"Job {followed} was lost; {item.job_id} goes on.", flush=True)
            followed, is_waiting = item.job_id, False
            with contextlib.suppress(WorkersError):  # a lost head: the next job runs on another one
                for text in jobs.follow(followed):
                    print(text, end="", flush=True)
        now = read_submission(engine, item.name)
        if now is None or not now.is_wanted:
            break
        if followed is not None and now.job_id == followed and not is_waiting:
            print(f"Job {followed} has ended; the supervisor starts the next one.", flush=True)
            is_waiting = True
        item = now
        time.sleep(1)
    if now is not None and now.message and _is_error(now.message):
        raise SearchError(now.message)


def _is_error(message: str) -> bool:
    from search.stopper import Ending

    return message not in [ending.value for ending in Ending]


def _row(engine: sa.Engine, item: Submission) -> dict[str, Any]:
    """Returns what is shown of a submission."""
    holder = None
    if item.name in list_names(engine):
        holder = current_holder(engine, StudyReader(engine, item.name).id)
    state = "ended" if not item.is_wanted else "running" if holder else "waiting"
    row = dataclasses.asdict(item)
    del row["study"], row["started_at"]
    return {
        **row,
        "kind": item.kind.value,
        "state": state,
        "job": item.job_id,
        "driver": str(holder) if holder else None,
    }


def made(workspace: Path | None) -> tuple[Workspace, sa.Engine]:
    """Returns a workspace and its study database, which need not have been there."""
    place = Workspace.at(workspace)
    if place.database is None:
        place.make()
    return place, open_database(place.study_url)


def _address() -> str:
    address = os.environ.get(CLUSTER)
    if chosen_cluster() is None or address is None:
        raise SearchError("Name a cluster: --cluster NAME, or --cluster http://HOST:8265.")
    return address
