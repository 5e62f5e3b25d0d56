"""The application, and what its commands share."""

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console

from search.cli.on_cluster import App, chosen_cluster
from search.errors import NotFoundError
from search.study.database import open_database
from search.study.reader import StudyReader
from search.trial import Trial
from search.workspace import Workspace

app = App(
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
CANDIDATE = "TRIAL[@EPOCH][:SAMPLER]"
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


def workspace_option(place: Workspace) -> str:
    """Returns what a further command needs to find the workspace: nothing for the default one."""
    is_default = place.folder == Workspace.at(None).folder
    where = "" if is_default else f" --workspace {shlex.quote(str(place.folder))}"
    return where + cluster_option()


def cluster_option() -> str:
    """Returns what a further command needs to find the cluster: nothing if there is none."""
    name = chosen_cluster()
    return "" if name is None else f" --cluster {shlex.quote(name)}"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def parse_candidate(text: str) -> tuple[int, int | None, list[str]]:
    """Returns trial, epoch and latent samplers of "17@40:gaussian"; None and none of "17"."""
    match = re.fullmatch(r"([0-9]+)(?:@([0-9]+))?(?::(.+))?", text)
    if match is None:
        raise typer.BadParameter(
            f"expected a trial's number, or trial@epoch. Received: {text!r}.",
            param_hint=CANDIDATE,
        )
    return int(match[1]), int(match[2]) if match[2] else None, [match[3]] if match[3] else []


def trial_of(reader: StudyReader, name: str, trial: int) -> Trial:
    """Returns a trial of a search by its number."""
    trials = {item.number: item for item in reader.trials()}
    if trial not in trials:
        last = f"its last is {max(trials)}" if trials else "it has none yet"
        raise NotFoundError(f"`{name}` has no trial {trial}: {last}.")
    return trials[trial]
