"""Confirming a front: the command that trains it again, and the look at what came of it."""

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, final

import typer
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from search.cli.app import (
    NameArgument,
    WorkspaceOption,
    app,
    console,
    print_json,
    reader_of,
    workspace_option,
)
from search.cli.on_cluster import chosen_cluster, refuse_beside_cluster
from search.cli.run import RayOption
from search.confirming import Listener, Wish
from search.confirming import confirm as confirm_front
from search.errors import SearchError
from search.report.confirm_progress import (
    ConfirmProgress,
    confirm_view,
    count_line,
    repeat_line,
)
from search.report.confirmed import ConfirmedFront, confirmed_front
from search.report.confirmed_tables import confirmed_table
from search.stopper import Ending
from search.study.confirmations import read_confirmations
from search.study.reader import StudyReader
from search.study.submissions import WorkKind
from search.workspace import Workspace


@app.command()
def confirm(
    name: NameArgument,
    workspace: WorkspaceOption = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Trainings of every trial, in all.")
    ] = 5,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="Train all to so many, not to their own."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Trainings at once.")
    ] = None,
    accept_code_change: Annotated[
        bool,
        typer.Option(
            "--accept-code-change", help="Go on although models or metrics were changed since."
        ),
    ] = False,
    ray: RayOption = None,
) -> None:
    """Train the front again with fresh seeds: means, errors, and who is on it how probably."""
    place, reader = reader_of(name, workspace)
    wish = Wish(seeds, epochs, workers, accept_code_change)
    if chosen_cluster() is not None:
        from search.cli.cluster import submit_work

        refuse_beside_cluster(ray=ray)
        submit_work(reader.engine, name, WorkKind.CONFIRMATION, dataclasses.asdict(wish))
        return
    with _shown(name) as listener:
        ending = confirm_front(name, place, wish, listener, ray=ray)
    again = _again(name, place, wish)
    with contextlib.suppress(SearchError):  # stopped before anything was measured
        front = front_of(reader, epochs)
        console.print(confirmed_table(front))
        if ending is Ending.FINISHED:
            print(f"\n{_next_steps(front, place)}")
    if ending is not Ending.FINISHED:
        print(f"\nThe confirmation is {ending.value}; all is saved. To go on: {again}")
        return
    missing = _num_given_up(reader)
    if missing:
        print(f"{missing} given up, their processes died. To try them again: {again}")


def front_of(reader: StudyReader, epochs: int | None) -> ConfirmedFront:
    """Returns what was confirmed of a search.

    Raises:
        SearchError: If nothing was.
    """
    rows = read_confirmations(reader)
    trials, remeasured = reader.trials(), reader.remeasured()
    return confirmed_front(reader.record(), trials, rows, remeasured, epochs)


def show_confirmed(
    reader: StudyReader, epochs: int | None, plot: Path | None, as_json: bool
) -> None:
    """Prints the confirmed front, and draws it where that is wanted."""
    front = front_of(reader, epochs)
    if plot:
        from search.report.confirmed_figures import draw_confirmed

        draw_confirmed(front, plot)
    if as_json:
        print_json(front.to_json())
        return
    console.print(confirmed_table(front))
    if plot:
        print(f"Wrote {plot}.")


@contextlib.contextmanager
def _shown(name: str) -> Iterator[Listener]:
    """Shows a confirmation while it runs: a live view on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield Listener(lambda text: print(text, flush=True), _Lines().tell)
        return
    view = _View(name)
    with Live(get_renderable=view.render, console=console, refresh_per_second=2) as live:
        yield Listener(view.say, view.tell)
        live.update(live.get_renderable(), refresh=True)


@final
class _Lines:
    """Prints a line for every repeat that ends."""

    def __init__(self) -> None:
        self._num_printed = 0

    def tell(self, state: ConfirmProgress) -> None:
        for ended in state.ended[self._num_printed :]:
            print(f"[{count_line(state)}] {repeat_line(state, ended)}", flush=True)
        self._num_printed = len(state.ended)


@final
class _View:
    """What was told last; another thread draws it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._phase = ""
        self._state: ConfirmProgress | None = None

    def say(self, text: str) -> None:
        with self._lock:
            self._phase = text

    def tell(self, state: ConfirmProgress) -> None:
        with self._lock:
            self._state = state

    def render(self) -> RenderableType:
        with self._lock:
            phase, state = self._phase, self._state
        return Text(phase) if state is None else confirm_view(state, self._name, phase)


def _next_steps(front: ConfirmedFront, place: Workspace) -> str:
    where, at = workspace_option(place), "" if front.epochs is None else f" --epochs {front.epochs}"
    lines = [f"vaesearch pareto {front.name} --confirmed{at} --plot confirmed.png{where}"]
    chosen = [member.label for member in front.members if member.is_choice]
    if chosen and front.epochs is None:
        lines.append(f"vaesearch export {front.name} {chosen[0]} --out model{where}")
    more = max(len(member.repeats) for member in front.members) + 5
    lines.append(f"vaesearch confirm {front.name} --seeds {more}{at}{where}   (smaller errors)")
    return "Next: " + "\n      ".join(lines)


def _again(name: str, place: Workspace, wish: Wish) -> str:
    epochs = "" if wish.epochs is None else f" --epochs {wish.epochs}"
    return f"vaesearch confirm {name} --seeds {wish.seeds}{epochs}{workspace_option(place)}"


def _num_given_up(reader: StudyReader) -> int:
    """Returns how many repeats were given up since the last confirmation started."""
    count = 0
    for event in reader.events():
        if event.kind == "confirmation started":
            count = 0
        count += event.kind == "confirmation given up"
    return count
