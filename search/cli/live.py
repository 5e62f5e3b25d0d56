"""What is shown while a search runs: a live table on a terminal, plain lines elsewhere."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import sqlalchemy as sa
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from search.cli.app import console
from search.report.progress import Progress, progress, progress_table, trial_line
from search.study.database import open_database
from search.study.lease import current_holder
from search.study.reader import StudyReader
from search.workspace import Workspace

_LINES_SECONDS = 1.0


@contextlib.contextmanager
def show_while(name: str, place: Workspace) -> Iterator[Callable[[str], None]]:
    """Shows a search while it runs; yields a function that says what the driver does now."""
    view = _View(name, place)
    if console.is_terminal:
        with Live(get_renderable=view.render, console=console, refresh_per_second=2) as live:
            yield view.say
            live.update(live.get_renderable(), refresh=True)
        return
    ended = threading.Event()
    thread = threading.Thread(target=_print_lines, args=(view, ended), daemon=True)
    thread.start()
    try:
        yield lambda text: print(text, flush=True)
    finally:
        ended.set()
        thread.join()


class _View:
    """Reads a search with a connection of its own, as often as it is drawn."""

    def __init__(self, name: str, place: Workspace):
        self._reader = StudyReader(open_database(place.study_url), name)
        self._phase = ""
        self._drawn: RenderableType = Text("")

    def say(self, text: str) -> None:
        self._phase = text

    def state(self) -> Progress:
        holder = current_holder(self._reader.engine, self._reader.id)
        record, trials = self._reader.record(), self._reader.trials()
        return progress(record, trials, str(holder) if holder else None)

    def render(self) -> RenderableType:
        with contextlib.suppress(sa.exc.SQLAlchemyError):  # an outage: show what was there
            self._drawn = progress_table(self.state(), self._phase)
        return self._drawn


def _print_lines(view: _View, ended: threading.Event) -> None:
    """Prints a line for every trial that ends from now on."""
    printed = {trial.number for trial in view.state().finished}
    while True:
        last_look = ended.wait(_LINES_SECONDS)
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            state = view.state()
            for trial in state.finished:
                if trial.number not in printed:
                    printed.add(trial.number)
                    print(trial_line(state, trial), flush=True)
        if last_look:
            return
