"""The option `--cluster`, which every command has that has a workspace."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, final

import typer

from search.errors import SearchError
from search.profile import choose_cluster
from search.workspace import CLUSTER

_Option = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="NAME|URL",
        help="A cluster: its name in ~/.config/vaesearch.toml, or the address of its jobs.",
        envvar=CLUSTER,
    ),
]
_chosen: list[str] = []


@final
class App(typer.Typer):
    """The application: its commands have `--cluster` beside `--workspace`."""

    def command(self, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
        """Returns a decorator that adds a command."""
        add = super().command(*arguments, **options)

        def added(function: Any) -> Any:
            is_of_workspace = "workspace" in inspect.signature(function).parameters
            add(_with_cluster(function) if is_of_workspace else function)
            return function

        return added


def chosen_cluster() -> str | None:
    """Returns the cluster that the command was given, None if it was given none."""
    return _chosen[0] if _chosen else None


def refuse_beside_cluster(**options: Any) -> None:
    """Refuses what a driver on a cluster's head cannot be told, or shown of.

    Args:
        options: By name; those that were not given are false.
    """
    for name, value in options.items():
        if value:
            raise SearchError(
                f"`--{name}` is for a search that this machine drives, and `--cluster` has the "
                "cluster do so. Leave one of them out."
            )


def _with_cluster(function: Any) -> Any:
    """Returns a command with one more option, which takes effect before the command begins."""

    @functools.wraps(function)
    def command(*arguments: Any, cluster: str | None, **options: Any) -> Any:
        _chosen.clear()  # of an earlier command in this process
        if cluster:
            choose_cluster(cluster)
            _chosen.append(cluster)
        return function(*arguments, **options)

    signature = inspect.signature(function)
    option = inspect.Parameter(
        "cluster", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Option
    )
    known = [*signature.parameters.values(), option]
    command.__signature__ = signature.replace(parameters=known)  # type: ignore[attr-defined]
    command.__annotations__ = {**function.__annotations__, "cluster": _Option}
    return command
