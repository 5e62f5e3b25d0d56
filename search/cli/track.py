"""Commands on MLflow's record of a search: sync."""

from rich.progress import Progress

from search.cli.app import (
    JsonOption,
    NameArgument,
    WorkspaceOption,
    app,
    console,
    print_json,
    reader_of,
)


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
