"""What is shown while a search runs: a live table on a terminal, plain lines elsewhere."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import sqlalchemy as sa
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from search.candidates import candidates
from search.cli.app import console
from search.report.progress import Progress, progress, progress_table, trial_line
from search.report.scatter import scatter
from search.report.summary import summarize
from search.study.database import open_database
from search.study.lease import current_holder
from search.study.reader import SearchRecord, StudyReader
from search.trial import Trial
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
    lines, ended = _Lines(view), threading.Event()
    thread = threading.Thread(target=lines.print_until, args=(ended.wait,), daemon=True)
    thread.start()
    try:
        yield lines.say
    finally:
        ended.set()
        thread.join()


def watch(name: str, place: Workspace) -> None:
    """Shows a search that another process runs, with its front, until it is over or Ctrl-C."""
    view = _View(name, place, has_picture=True)
    if not console.is_terminal:
        _Lines(view).print_until(view.is_over)
        return
    with Live(get_renderable=view.render, console=console, refresh_per_second=1) as live:
        while not view.is_over(_LINES_SECONDS):
            pass
        live.update(live.get_renderable(), refresh=True)


class _View:
    """Reads a search with a connection of its own, as often as it is drawn."""

    def __init__(self, name: str, place: Workspace, has_picture: bool = False):
        self._reader = StudyReader(open_database(place.study_url), name)
        self._has_picture = has_picture
        self._phase = ""
        self._drawn: RenderableType = Text("")

    def say(self, text: str) -> None:
        self._phase = text

    def state(self) -> Progress:
        return self._state_of(self._reader.record(), self._reader.trials())

    def _state_of(self, record: SearchRecord, trials: list[Trial]) -> Progress:
        holder = current_holder(self._reader.engine, self._reader.id)
        return progress(record, trials, str(holder) if holder else None)

    def is_over(self, seconds: float) -> bool:
        """Waits; returns whether every trial has ended, and nobody works on it any more."""
        time.sleep(seconds)
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            state = self.state()
            return state.is_over and state.driver is None
        return False

    def render(self) -> RenderableType:
        with contextlib.suppress(sa.exc.SQLAlchemyError):  # an outage: show what was there
            self._drawn = self._draw()
        return self._drawn

    def _draw(self) -> RenderableType:
        record, trials = self._reader.record(), self._reader.trials()
        state = self._state_of(record, trials)
        if not self._has_picture:
            return progress_table(state, self._phase)
        phase = f"run by {state.driver}" if state.driver else "nobody runs it now"
        picture = scatter(
            summarize(record, trials, self._reader.remeasured()), candidates(record.config, trials)
        )
        return Group(progress_table(state, phase), Text(picture))


class _Lines:
    """Prints a line for every trial that ends from now on."""

    def __init__(self, view: _View):
        self._view = view
        self._printed = {trial.number for trial in view.state().finished}
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Prints a text, after the lines of the trials that ended before."""
        self._print_new()
        print(text, flush=True)

    def print_until(self, wait: Callable[[float], bool]) -> None:
        """Looks again and again, until `wait` says that this was the last time."""
        is_last = False
        while not is_last:
            is_last = wait(_LINES_SECONDS)
            self._print_new()

    def _print_new(self) -> None:
        with self._lock, contextlib.suppress(sa.exc.SQLAlchemyError):
            state = self._view.state()
            for trial in state.finished:
                if trial.number not in self._printed:
                    self._printed.add(trial.number)
                    print(trial_line(state, trial), flush=True)
