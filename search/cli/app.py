"""The application, and what its commands share."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console

from search.study.database import open_database
from search.study.reader import StudyReader
from search.workspace import Workspace

app = typer.Typer(
    name="vaesearch",
    help="Durable multi-objective hyperparameter searches over variational autoencoders.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# A file or a pipe has no width of its own; 80 columns would break every row of a table.
console = Console(width=None if sys.stdout.isatty() else 140)

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        help="Folder of your searches.",
        envvar="VAESEARCH_WORKSPACE",
        show_default="./vaesearch-workspace",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NameArgument = Annotated[str, typer.Argument(help="The search.", metavar="NAME")]


def print_json(value: Any) -> None:
    """Prints JSON; NaN and infinities, which JSON has not, as null."""
    print(json.dumps(_finite(value), indent=2, default=str))


def opened(workspace: Path | None) -> tuple[Workspace, sa.Engine]:
    """Returns a workspace and its study database, which is there already."""
    place = Workspace.at(workspace)
    place.check()
    return place, open_database(place.study_url)


def reader_of(name: str, workspace: Path | None) -> tuple[Workspace, StudyReader]:
    """Returns a workspace and one of its searches."""
    place, engine = opened(workspace)
    return place, StudyReader(engine, name)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
