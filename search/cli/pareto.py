"""The command that shows the front of a search."""

from pathlib import Path
from typing import Annotated, Any

import typer

from search.candidates import candidates
from search.cli.app import (
    JsonOption,
    NameArgument,
    WorkspaceOption,
    app,
    console,
    print_json,
    reader_of,
)
from search.cli.confirm import front_of, show_confirmed
from search.errors import SearchError, StoreError
from search.models.quiet import load_tensorflow
from search.report.scatter import scatter
from search.report.summary import FrontMember, Summary, summarize
from search.report.tables import front_table, number, title
from search.study.reader import StudyReader
from search.workspace import Workspace

_SAMPLES = 12


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
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a row per member.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the Pareto front of a search, with what is near it and what to make of it."""
    from search.report.figures import check_picture

    for path in (plot, samples):
        if path:
            check_picture(path)
    _check_confirmed(confirmed, epochs, samples)
    if as_csv and (as_json or plot or samples):
        raise SearchError("--csv prints the table and nothing else: say the rest without it.")
    place, reader = reader_of(name, workspace)
    if as_csv:
        print(_csv(reader, confirmed, epochs), end="")
        return
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
    found = candidates(record.config, trials)
    if (plot or samples) and not summary.front:
        raise SearchError(f"`{name}` has no measured trial yet, so there is nothing to draw.")
    if plot:
        draw_front(summary, found, plot)
    if samples:
        _draw_samples(summary, reader, place, samples)
    if as_json:
        print_json(summary.to_json())
        return
    console.print(front_table(summary))
    console.print(scatter(summary, found), highlight=False)
    for path in (plot, samples):
        if path:
            print(f"Wrote {path}.")


def _csv(reader: StudyReader, confirmed: bool, epochs: int | None) -> str:
    from search.report.frames import confirmed_frame, front_frame  # pandas takes its time

    if confirmed:
        return str(confirmed_frame(front_of(reader, epochs)).to_csv(index=False))
    summary = summarize(reader.record(), reader.trials(), reader.remeasured())
    return str(front_frame(summary).to_csv(index=False))


def _draw_samples(
    summary: Summary,
    reader: StudyReader,
    place: Workspace,
    path: Path,
) -> None:
    load_tensorflow()  # these need it, which takes seconds; only this option needs it
    from search.models.belongings import images_of
    from search.models.params import own_sampler
    from search.models.stored import load_candidate
    from search.report.figures import draw_samples
    from search.seeds import Purpose, derive_seed
    from search.store import TrialStore
    from vaemodels.config import LatentSamplerConfig
    from vaemodels.noise import base_noise

    record = reader.record()
    config, dataset = record.config, images_of(reader, place)
    real = dataset.test.images[:_SAMPLES] / dataset.scale
    rows: list[tuple[str, Any]] = [("real test images", real)]
    store = TrialStore(place.known_store(config), record.id)
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
