"""Commands on MLflow's record of a search: sync, register."""

import dataclasses
from typing import Annotated

import typer
from rich.progress import Progress

from search.cli.app import (
    JsonOption,
    NameArgument,
    WorkspaceOption,
    app,
    console,
    parse_candidate,
    print_json,
    reader_of,
    trial_of,
)
from search.errors import SearchError
from search.models.quiet import load_tensorflow
from search.report.tables import number, title
from search.store import TrialStore
from search.study.reader import SearchRecord
from search.trial import Trial


@app.command()
def sync(
    name: NameArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Write all of a search into MLflow again: after an outage, or into one that is empty."""
    from search.tracking.syncing import sync as sync_search

    place, reader = reader_of(name, workspace)
    with Progress(console=console, transient=True, disable=as_json) as bar:
        task = bar.add_task("trials", total=None)
        done = sync_search(
            reader, place, lambda index, count: bar.update(task, completed=index, total=count)
        )
    if as_json:
        print_json({"name": name, **done.to_json()})
        return
    print(
        f"MLflow ({done.uri}) holds {done.num_trials} trials and {done.num_measurements} "
        f"measurements of `{name}`, as the study does."
    )


@app.command()
def register(
    name: NameArgument,
    candidate: Annotated[str, typer.Argument(metavar="TRIAL[@EPOCH]", help="Such as 17 or 17@40.")],
    model: Annotated[
        str | None,
        typer.Option("--as", metavar="MODEL", help="What it is called.", show_default="NAME"),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a model's encoder and decoder into MLflow's registry, for any process with Keras."""
    trial_number, epoch, samplers = parse_candidate(candidate)
    if samplers:
        raise SearchError(f"A decoder takes any z: say {candidate.partition(':')[0]} alone.")
    place, reader = reader_of(name, workspace)
    record, trial = reader.record(), trial_of(reader, name, trial_number)
    if not record.config.tracking.mlflow:
        raise SearchError(f"`{name}` was started without MLflow, so it has no registry.")
    load_tensorflow()
    from search.models.belongings import images_of
    from search.models.functional import functional_models
    from search.tracking.client import MlflowRuns
    from search.tracking.failures import without_password
    from search.tracking.registry import register as register_models

    store = TrialStore(place.known_store(record.config), record.id)
    dataset = images_of(reader, place)
    epoch, models = functional_models(store, dataset, name, trial_number, epoch)
    tags = _tags(record, trial, epoch)
    runs = MlflowRuns(place.tracking_uri(record.config), place.artifacts, record.id)
    versions = register_models(runs, trial_number, epoch, models, model or name, tags)
    if as_json:
        found = {part: dataclasses.asdict(made) for part, made in versions.items()}
        print_json({"trial": trial_number, "epoch": epoch, **found})
        return
    figures = ", ".join(f"{title(n)} {tags[n]}" for n in record.config.objectives if n in tags)
    print(f"Trial {trial_number} after epoch {epoch} ({figures}) is registered as")
    for made in versions.values():
        print(f"  {made.name}, version {made.version}")
    print(
        "In any process with Keras and MLflow:\n"
        "  import mlflow\n"
        f'  mlflow.set_tracking_uri("{without_password(runs.uri)}")\n'
        f'  decoder = mlflow.keras.load_model("{versions["decoder"].uri}")'
        f"  # of z, {models['decoder'].input_shape[-1]} numbers"
    )


def _tags(record: SearchRecord, trial: Trial, epoch: int) -> dict[str, str]:
    """Returns what a version says of itself: where it is from, its objectives, how z is drawn."""
    from search.models.params import own_sampler

    config = record.config
    params = config.model_params(dict(trial.params))
    measured = next((item.metrics for item in trial.measurements if item.epoch == epoch), {})
    return {
        "search": record.name,
        "trial": str(trial.number),
        "epoch": str(epoch),
        "variant": str(params["variant"]),
        "latent_sampler": str(own_sampler(params)),
        **{name: number(measured[name]) for name in config.objectives if name in measured},
    }
