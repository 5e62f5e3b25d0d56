"""The command that says which parameters matter, and what moves along the front."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from search.cli.app import (
    JsonOption,
    NameArgument,
    WorkspaceOption,
    app,
    console,
    print_json,
    reader_of,
)
from search.importance import importance_remarks, importances
from search.trade_off import trade_offs


@app.command()
def importance(
    name: NameArgument,
    workspace: WorkspaceOption = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw it into a .png, .svg or .pdf file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show which parameters decide each objective, and which move along the front."""
    from search.report.figures import check_picture
    from search.report.importance import draw_importance, importance_table, sentence

    if plot:
        check_picture(plot)
    _, reader = reader_of(name, workspace)
    config, trials = reader.record().config, reader.trials()
    found = importances(config, trials)
    trades = trade_offs(config, trials)
    remarks = list(importance_remarks(config, trials))
    if plot:
        draw_importance(name, found, plot)
    if as_json:
        told = [{**dataclasses.asdict(trade), "sentence": sentence(trade)} for trade in trades]
        shares = [{**dataclasses.asdict(item), "clear": item.clear} for item in found]
        print_json({"name": name, "importance": shares, "trade_off": told, "remarks": remarks})
        return
    console.print(importance_table(found, trades, remarks))
    if plot:
        print(f"Wrote {plot}.")
