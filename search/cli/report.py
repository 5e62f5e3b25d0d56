"""The command that writes a report of a search."""

from pathlib import Path
from typing import Annotated

import typer

from search.cli.app import (
    JsonOption,
    NameArgument,
    WorkspaceOption,
    app,
    print_json,
    reader_of,
    workspace_option,
)


@app.command()
def report(
    name: NameArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="A new or empty folder, or an earlier report, which is replaced.",
            show_default="NAME-report, here",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a page on a search that needs no network, with its pictures and tables beside it."""
    from search.report.material import gather
    from search.report.report import write_report
    from search.report.report_folder import check_report_folder

    folder = out or Path(f"{name}-report")
    place, reader = reader_of(name, workspace)
    check_report_folder(folder)
    material = gather(reader, place.store(reader.record().config))
    written = write_report(material, folder, workspace_option(place))
    if as_json:
        print_json({**written.content, "page": str(written.page), "files": written.files})
        return
    if not material.found:
        print(f"No trial of `{name}` has been measured yet: the page says what was asked.")
    if material.state.driver:
        print(f"`{name}` is still running: the page shows what is known now.")
    names = ", ".join(path.name for path in written.files)
    print(f"Wrote {len(written.files)} files into {folder}: {names}.")
    print(f"Open {written.page.resolve().as_uri()} in a browser; it needs no network.")
