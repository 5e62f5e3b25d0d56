"""Commands that look at searches: list, status, ui."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from search.cli.app import (
    JsonOption,
    NameArgument,
    WorkspaceOption,
    app,
    console,
    opened,
    print_json,
    reader_of,
)
from search.cli.live import watch
from search.cli.on_cluster import chosen_cluster
from search.errors import SearchError
from search.gpu_fractions import fraction_advice
from search.report.costs import costs
from search.report.history import history_lines
from search.report.progress import Progress, progress, progress_table
from search.report.tables import number, short, title
from search.study.attempts import read_attempts
from search.study.lease import active_seconds, current_holder
from search.study.reader import Event, StudyReader, list_names
from search.study.requests import Kind, Request, open_requests
from search.workspace import Workspace

_HOURS: Final = ("core_hours", "gpu_hours")


@app.command("list")
def list_searches(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the searches of a workspace."""
    place, engine = opened(workspace)
    readers = [StudyReader(engine, name) for name in list_names(engine)]
    states = [(_progress(reader), _cost(reader)) for reader in readers]
    if as_json:
        keys = ("name", "num_trials", "states", "best", "hypervolume", "driver")
        rows = [({k: v for k, v in s.to_json().items() if k in keys}, cost) for s, cost in states]
        print_json([{**row, **cost} for row, cost in rows])
        return
    if not states:
        print(f"No searches in {place.folder} yet. `vaesearch run` starts one.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("search", "owner", "done", "state", "core-h", "GPU-h", "best"):
        table.add_column(heading, justify="right" if heading.endswith("-h") else "left")
    for state, cost in states:
        best = ", ".join(f"{title(n)} {number(v)} ({at})" for n, (v, at) in state.best.items())
        hours = [f"{cost[key]:.2f}" for key in _HOURS]
        done = f"{state.num_finished}/{state.num_trials}"
        table.add_row(state.name, cost["owner"] or "", done, state.word, *hours, best)
    console.print(table)
    for line in _by_owner([cost for _, cost in states]):
        print(line)


@app.command()
def status(
    name: NameArgument,
    watched: Annotated[
        bool, typer.Option("--watch", help="Go on showing it, with its front, until it is over.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how far a search is, each of its trials, and its history."""
    if watched and as_json:
        raise typer.BadParameter("what goes on is no JSON.", param_hint="--watch")
    place, reader = reader_of(name, workspace)
    if watched:
        with contextlib.suppress(KeyboardInterrupt):
            watch(name, place)
        return
    state = _progress(reader)
    seconds = active_seconds(reader.engine, reader.id)
    points = open_requests(reader.engine, reader.id, Kind.ENQUEUE, Kind.RETRY)
    events = reader.events()
    if as_json:
        more = {"active_seconds": seconds, "enqueued": [dict(point.payload) for point in points]}
        history = [_event_json(e) for e in events]
        print_json({**state.to_json(), **more, **_cost(reader), "history": history})
        return
    console.print(progress_table(state, is_whole=True))
    print(f"{name} is {state.word}" + (f", by {state.driver}." if state.driver else "."))
    print(_cost_line(_cost(reader)))
    if advice := fraction_advice(reader.record().config, reader.trials(), events):
        print(advice)
    for line in (*_points(points), *history_lines(reader.record().config, events)):
        console.print(Text(line))


@app.command()
def ui(
    workspace: WorkspaceOption = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="To listen on.")] = 5000,
) -> None:
    """Start MLflow's pages on this machine and print the link; Ctrl-C ends them."""
    place = Workspace.at(workspace)
    if chosen_cluster() is not None:
        print(f"MLflow of the cluster: {_tracking_of_cluster(place)}")
        return
    from search.tracking.server import serving

    database = place.folder / "mlflow.db"
    if not database.exists():
        raise SearchError(
            f"{place.folder} has no MLflow record yet. `vaesearch run` makes one, unless its study "
            "names another MLflow under `tracking`; `--workspace` names another folder."
        )
    with (
        contextlib.suppress(KeyboardInterrupt),
        serving(database, place.artifacts, port) as server,
    ):
        print(f"MLflow: {server.url}  (Ctrl-C ends it)", flush=True)
        server.wait()
        raise SearchError("MLflow's server has ended.")


def _tracking_of_cluster(place: Workspace) -> str:
    if place.default_tracking is None:
        raise SearchError(
            "Name the cluster's MLflow: `mlflow` in its profile, or the variable "
            "VAESEARCH_MLFLOW_URI."
        )
    return place.default_tracking


def _progress(reader: StudyReader) -> Progress:
    holder = current_holder(reader.engine, reader.id)
    return progress(reader.record(), reader.trials(), str(holder) if holder else None)


def _cost(reader: StudyReader) -> dict[str, Any]:
    """Returns whose search it is and what it has cost so far."""
    record, trials = reader.record(), reader.trials()
    seconds = active_seconds(reader.engine, reader.id)
    total = costs(record, trials, read_attempts(reader), seconds).states[-1]
    return {
        "owner": record.owner,
        "core_hours": total.core_hours,
        "gpu_hours": total.gpu_hours,
    }


def _by_owner(costs: Sequence[dict[str, Any]]) -> list[str]:
    """Returns what each owner's searches have cost together, where there are several owners."""
    owners = sorted({cost["owner"] for cost in costs if cost["owner"]})
    if len(owners) < 2:
        return []
    own = {owner: [cost for cost in costs if cost["owner"] == owner] for owner in owners}
    sums = [{key: sum(cost[key] for cost in own[owner]) for key in _HOURS} for owner in owners]
    return [_cost_line({"owner": owner, **each}) for owner, each in zip(owners, sums, strict=True)]


def _cost_line(cost: dict[str, Any]) -> str:
    owner = f"Owner {cost['owner']}; " if cost["owner"] else ""
    text = f"{owner}{cost['core_hours']:.2f} core-hours so far"
    return text + (f", {cost['gpu_hours']:.2f} GPU-hours." if cost["gpu_hours"] else ".")


def _event_json(event: Event) -> dict[str, Any]:
    return {"time": event.unix_time, "what": event.kind, "details": dict(event.details)}


def _points(points: Sequence[Request]) -> Iterator[str]:
    """Yields what is to be tried next, a line each."""
    if points:
        yield f"{len(points)} point{'s' if len(points) > 1 else ''} enqueued:"
    for point in points:
        retried = point.payload["origin"].get("retries")
        again = "" if retried is None else f"trial {retried} again: "
        yield f"  {again}{short(point.payload['params'])}"
