"""Commands that look at searches: list, status, pareto, ui."""

import contextlib
import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from search.candidates import candidates
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
from search.cli.confirm import show_confirmed
from search.errors import SearchError, StoreError
from search.models.quiet import load_tensorflow
from search.report.progress import Progress, progress, progress_table
from search.report.summary import FrontMember, Summary, summarize
from search.report.tables import front_table, number, title
from search.study.lease import active_seconds, current_holder
from search.study.reader import SearchRecord, StudyReader, list_names
from search.workspace import Workspace

_SAMPLES = 12


@app.command("list")
def list_searches(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the searches of a workspace."""
    place, engine = opened(workspace)
    states = [_progress(StudyReader(engine, name)) for name in list_names(engine)]
    if as_json:
        keys = ("name", "num_trials", "states", "best", "hypervolume", "driver")
        print_json([{k: v for k, v in s.to_json().items() if k in keys} for s in states])
        return
    if not states:
        print(f"No searches in {place.folder} yet. `vaesearch run` starts one.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("search", "done", "state", "best"):
        table.add_column(heading)
    for state in states:
        best = ", ".join(f"{title(n)} {number(v)} ({at})" for n, (v, at) in state.best.items())
        table.add_row(state.name, f"{state.num_finished}/{state.num_trials}", _word(state), best)
    console.print(table)


@app.command()
def status(
    name: NameArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Show how far a search is, each of its trials, and its history."""
    _, reader = reader_of(name, workspace)
    state = _progress(reader)
    seconds = active_seconds(reader.engine, reader.id)
    events = reader.events()
    if as_json:
        history = [{"time": e.unix_time, "what": e.kind, **e.details} for e in events]
        print_json({**state.to_json(), "active_seconds": seconds, "history": history})
        return
    console.print(progress_table(state, num_recent=len(state.finished)))
    print(f"{name} is {_word(state)}" + (f", by {state.driver}." if state.driver else "."))
    # Early stops stand in the table, each with its trial.
    for event in [e for e in events if e.kind != "trial stopped early"][-6:]:
        console.print(f"{_when(event.unix_time)}  {event.kind}  {_plain(event.details)}")


@app.command()
def pareto(
    name: NameArgument,
    workspace: WorkspaceOption = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the front into a .png, .svg or .pdf file.")
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", help="Draw real images beside samples of ends and knee."),
    ] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="As trained again by `vaesearch confirm`.")
    ] = False,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="With --confirmed: of its trainings.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the Pareto front of a search, with what is near it and what to make of it."""
    from search.report.figures import check_picture

    for path in (plot, samples):
        if path:
            check_picture(path)
    _check_confirmed(confirmed, epochs, samples)
    place, reader = reader_of(name, workspace)
    if confirmed:
        show_confirmed(reader, epochs, plot, as_json)
        return
    _show_front(reader, place, plot, samples, as_json)


def _check_confirmed(confirmed: bool, epochs: int | None, samples: Path | None) -> None:
    """Refuses options that do not go together."""
    if confirmed and samples:
        raise SearchError("What is confirmed has no samples: leave out --confirmed or --samples.")
    if epochs is not None and not confirmed:
        raise SearchError("--epochs chooses among confirmed figures: say --confirmed as well.")


def _show_front(
    reader: StudyReader, place: Workspace, plot: Path | None, samples: Path | None, as_json: bool
) -> None:
    """Prints the front, and draws it and its samples where that is wanted."""
    from search.report.figures import draw_front

    record, trials = reader.record(), reader.trials()
    name = record.name
    summary = summarize(record, trials, reader.remeasured())
    if (plot or samples) and not summary.front:
        raise SearchError(f"`{name}` has no measured trial yet, so there is nothing to draw.")
    if plot:
        draw_front(summary, candidates(record.config, trials), plot)
    if samples:
        _draw_samples(summary, record, place, samples)
    if as_json:
        print_json(summary.to_json())
        return
    console.print(front_table(summary))
    for path in (plot, samples):
        if path:
            print(f"Wrote {path}.")


@app.command()
def ui(
    workspace: WorkspaceOption = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="To listen on.")] = 5000,
) -> None:
    """Start MLflow's pages on this machine and print the link; Ctrl-C ends them."""
    from search.tracking.server import serving

    place = Workspace.at(workspace)
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


def _draw_samples(
    summary: Summary,
    record: SearchRecord,
    place: Workspace,
    path: Path,
) -> None:
    load_tensorflow()  # these need it, which takes seconds; only this option needs it
    from search.models.images import load_images
    from search.models.params import own_sampler
    from search.models.stored import load_candidate
    from search.report.figures import draw_samples
    from search.seeds import Purpose, derive_seed
    from search.store import TrialStore
    from vaemodels.config import LatentSamplerConfig
    from vaemodels.noise import base_noise

    config = record.config
    dataset = load_images(config, place.cache)
    real = dataset.test.images[:_SAMPLES] / dataset.scale
    rows: list[tuple[str, Any]] = [("real test images", real)]
    store = TrialStore(place.store(config), record.id)
    for label, member in _ends_and_knee(summary):
        model = load_candidate(store, dataset, member.trial, member.epoch)
        if model is None:
            raise StoreError(f"The store keeps no weights of {member.label}: was it moved?")
        seed = derive_seed(config.seed, Purpose.REMEASURING)
        own = own_sampler(config.model_params(dict(member.params)))
        chosen = LatentSamplerConfig.parse(member.sampler) if member.sampler else own
        sampler = model.latent_sampler(chosen)
        noise = base_noise("normal", seed, _SAMPLES, sampler.noise_width)
        figures = ", ".join(f"{title(n)} {number(v)}" for n, v in member.values.items())
        rows.append((f"{label} {member.label}: {figures}", model.generate(noise, sampler)))
    draw_samples(rows, path)


def _ends_and_knee(summary: Summary) -> list[tuple[str, FrontMember]]:
    """Returns the best member of each objective and the knee, each member once."""
    chosen: dict[str, tuple[str, FrontMember]] = {}
    for name, direction in summary.objectives.items():
        pick = min if direction == "minimize" else max
        best = pick(summary.front, key=lambda member: member.values[name])
        chosen.setdefault(best.label, (f"best {title(name)}", best))
    for member in summary.front:
        if member.is_knee:
            chosen.setdefault(member.label, ("knee", member))
    return list(chosen.values())


def _progress(reader: StudyReader) -> Progress:
    holder = current_holder(reader.engine, reader.id)
    return progress(reader.record(), reader.trials(), str(holder) if holder else None)


def _word(state: Progress) -> str:
    if state.driver:
        return "running"
    return "finished" if state.is_over else "stopped"


def _when(unix_time: float) -> str:
    return datetime.datetime.fromtimestamp(unix_time).strftime("%Y-%m-%d %H:%M")


def _plain(details: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in details.items())
