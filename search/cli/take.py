"""Commands before and after a search: check and export."""

from pathlib import Path
from typing import Annotated

import typer

from search.cli.app import (
    CANDIDATE,
    JsonOption,
    NameArgument,
    WorkspaceOption,
    app,
    parse_candidate,
    print_json,
    reader_of,
    trial_of,
    workspace_option,
)
from search.config import replaced
from search.models.belongings import images_of, try_code, use_code
from search.models.images import load_images
from search.models.quiet import load_tensorflow
from search.report.progress import duration
from search.report.tables import short
from search.samplers import choose_sampler
from search.store import TrialStore
from search.study_file import load_study
from search.workspace import Workspace


@app.command()
def check(
    study: Annotated[Path, typer.Argument(help="A study file, or digits or thesis.")],
    data_dir: Annotated[
        str | None, typer.Option("--data-dir", help="Folder with the original IDX files.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a study file: build its smallest and largest model, estimate time, memory and disk."""
    config = load_study(study)
    if data_dir is not None:
        values = config.model_dump(mode="json")
        config = replaced({**values, "dataset": {**values["dataset"], "data_dir": data_dir}})
    sampler = choose_sampler(config)
    place = Workspace.at(workspace or config.workspace)
    with place.made():
        try_code(config, place)
        dataset = load_images(config, place.cache)
    load_tensorflow()
    from search.models.costs import estimate
    from search.models.preview import preview

    models = preview(config, dataset)
    costs = estimate(config, models)
    if as_json:
        print_json({"name": config.name, "sampler": sampler, **costs.to_json()})
        return
    shape = "x".join(map(str, dataset.image_shape))
    print(
        f"{study}: {config.name} is fine. {len(dataset.train.images):,} training images of "
        f"{shape}, sampler {sampler}, {config.budget.trials} trials of "
        f"{config.budget.epochs} epochs."
    )
    for word, model in zip(("smallest", "largest"), models, strict=True):
        print(
            f"  {word} model: {model.num_parameters:,} parameters, "
            f"{duration(model.trial_seconds(config))} a trial   {short(model.params)}"
        )
    low, high = costs.search_seconds
    print(f"  time: {duration(low)} to {duration(high)} with {costs.num_workers} workers")
    print(f"  memory: about {costs.memory_bytes / 2**30:.1f} GB a worker")
    print(f"  disk: at most {costs.disk_bytes / 2**20:,.0f} MB")
    where = workspace_option(place) if workspace else ""  # else the file says it
    print(f"Next: vaesearch run {study}" + (f" --data-dir {data_dir}" if data_dir else "") + where)


@app.command()
def export(
    name: NameArgument,
    candidate: Annotated[str, typer.Argument(metavar=CANDIDATE, help="Such as 17 or 17@40.")],
    out: Annotated[Path, typer.Option("--out", help="A new folder.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Write a model's weights and config, and a few lines of Python that use them."""
    number, epoch, samplers = parse_candidate(candidate)
    place, reader = reader_of(name, workspace)
    record, trial = reader.record(), trial_of(reader, name, number)
    store = TrialStore(place.known_store(record.config), record.id)
    load_tensorflow()
    from search.models.exporting import Chosen
    from search.models.exporting import export as export_candidate
    from search.models.stored import check_folder, chosen_epoch

    params = record.config.model_params(dict(trial.params))
    chosen = Chosen(
        number,
        chosen_epoch(store, name, number, epoch),
        samplers[0] if samplers else "",
        params,
    )
    check_folder(out)
    belongings = images_of(reader, place), use_code(record.config, place)
    export_candidate(store, belongings, chosen, out)
    print(f"Wrote trial {number} after epoch {chosen.epoch} to {out}. Try: python {out}/example.py")
