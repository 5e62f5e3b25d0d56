"""How far a search has come, as plain data and as a table that is drawn while it runs."""

import dataclasses
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

from rich.console import Group, OverflowMethod, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search.candidates import candidates, objective_values
from search.front import hypervolume, losses
from search.report.summary import reference_point
from search.report.tables import number, short, title
from search.study.reader import SearchRecord
from search.trial import Trial, TrialState

_NUM_RECENT: Final = 5  # trials that ended, in the live view


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far a search has come.

    Attributes:
        num_trials: Finished trials that it should have in the end.
        num_epochs: Epochs of a whole trial.
        states: State -> how many trials.
        best: Objective -> (best value, trial@epoch).
        hypervolume: Of all candidates, None before the first.
        running: Trials that run now.
        waiting: Trials that were interrupted, or are about to start.
        finished: Trials that ended, in the order of their end.
        seconds_left: Estimate, None before the first trial has ended or when nothing runs.
        driver: Who runs it, None if nobody does.
        is_over: Whether nothing is left to do: all trials ended, or the hypervolume stood still.
    """

    name: str
    num_trials: int
    num_epochs: int
    states: Mapping[str, int]
    best: Mapping[str, tuple[float, str]]
    hypervolume: float | None
    running: Sequence[Trial]
    waiting: Sequence[Trial]
    finished: Sequence[Trial]
    seconds_left: float | None
    driver: str | None
    is_over: bool

    @property
    def num_finished(self) -> int:
        """Trials that ended: complete, pruned or failed."""
        return len(self.finished)

    @property
    def word(self) -> str:
        """`running`, `finished`, `not started` or `stopped`."""
        if self.driver:
            return "running"
        if self.is_over:
            return "finished"
        return "stopped" if any(self.states.values()) else "not started"

    def to_json(self) -> dict[str, Any]:
        """Returns plain values, with the params and last measurement of every trial."""
        values = dataclasses.asdict(dataclasses.replace(self, running=(), waiting=(), finished=()))
        return {
            **values,
            "running": [_trial_json(trial) for trial in self.running],
            "waiting": [_trial_json(trial) for trial in self.waiting],
            "finished": [_trial_json(trial) for trial in self.finished],
        }


def progress(record: SearchRecord, trials: Sequence[Trial], driver: str | None) -> Progress:
    """Returns how far a search has come.

    Args:
        record: The search.
        trials: All of its trials.
        driver: Who runs it, None if nobody does.
    """
    config = record.config
    found = candidates(config, trials)
    values = objective_values(config, found)
    ceiling = (record.prepared or {}).get("ceiling")
    reference = reference_point(config, ceiling, values)
    best = {}
    for index, name in enumerate(config.objectives if found else ()):
        place = int(losses(values, config.directions)[:, index].argmin())
        best[name] = (float(values[place, index]), str(found[place]))
    finished = sorted(
        (t for t in trials if t.state.is_finished), key=lambda t: (t.finished_at or 0, t.number)
    )
    states = {state.value: sum(t.state is state for t in trials) for state in TrialState}
    unfinished = [t for t in trials if not t.state.is_finished]
    running = [t for t in unfinished if driver and t.state is TrialState.RUNNING]
    return Progress(
        name=record.name,
        num_trials=record.num_trials,
        num_epochs=config.budget.epochs,
        states=states,
        best=best,
        hypervolume=(
            None if reference is None else hypervolume(values, reference, config.directions)
        ),
        running=running,
        waiting=[t for t in unfinished if t not in running],
        finished=finished,
        seconds_left=_seconds_left(record.num_trials, finished, running),
        driver=driver,
        is_over=record.is_settled or len(finished) >= record.num_trials,
    )


def progress_table(state: Progress, phase: str = "", is_whole: bool = False) -> RenderableType:
    """Returns the live view of a search: a bar, the best of each objective, trials that run.

    Args:
        state: What to show.
        phase: What the driver does now.
        is_whole: With every trial that ended and all that is known of it, on as many lines as that
            takes; else a line for each of the last ones.
    """
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(state.name, style="bold"),
        ProgressBar(total=state.num_trials, completed=state.num_finished, width=30),
        _counts(state),
    )
    lines = [Text(line) for line in (phase, _best_line(state), _time_line(state)) if line]
    table = Table(box=None, pad_edge=False, expand=True)
    for heading in ("trial", "state", "epoch"):
        table.add_column(heading, no_wrap=True)
    for name in state.best:
        table.add_column(title(name), justify="right", no_wrap=True)
    overflow: OverflowMethod = "fold" if is_whole else "ellipsis"
    table.add_column("params", overflow=overflow, no_wrap=not is_whole, ratio=1)
    num_recent = len(state.finished) if is_whole else _NUM_RECENT
    shown = (*state.running, *state.waiting, *reversed(state.finished[-num_recent:]))
    for trial in shown:
        table.add_row(*_row(state, trial, is_whole))
    return Group(bar, *lines, table) if shown else Group(bar, *lines)


def trial_line(state: Progress, trial: Trial) -> str:
    """Returns one line on a trial that ended, for an output that is no terminal."""
    last = next((m for m in reversed(trial.measurements) if m.has(state.best)), None)
    figures = "".join(f"  {n}={number(last.metrics[n])}" for n in state.best) if last else ""
    reason = f"  ({trial.reason})" if trial.reason else ""
    volume = f"  hypervolume={number(state.hypervolume)}" if state.hypervolume is not None else ""
    return (
        f"[{state.finished.index(trial) + 1}/{state.num_trials}] trial {trial.number} "
        f"{trial.state.value} after epoch {trial.last_epoch}{figures}{reason}{volume}"
    )


def duration(seconds: float) -> str:
    """Returns a time span as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _seconds_left(
    num_trials: int, finished: Sequence[Trial], running: Sequence[Trial]
) -> float | None:
    spans = [t.finished_at - t.started_at for t in finished if t.finished_at and t.started_at]
    if not spans or not running:
        return None
    to_start = num_trials - len(finished) - len(running)
    each = statistics.median(spans[-20:])
    elapsed = [min(each, time.time() - (trial.started_at or 0)) for trial in running]
    return (each * (to_start + len(running)) - sum(elapsed)) / len(running)


def _counts(state: Progress) -> Text:
    names = ("running", "waiting", "pruned", "failed")
    rest = [f"{state.states[n]} {n}" for n in names if state.states.get(n)]
    return Text(", ".join([f"{state.num_finished}/{state.num_trials} done", *rest]))


def _best_line(state: Progress) -> str:
    parts = [f"best {title(n)} {number(v)} ({where})" for n, (v, where) in state.best.items()]
    if state.hypervolume is not None:
        parts.append(f"hypervolume {number(state.hypervolume)}")
    return "   ".join(parts)


def _time_line(state: Progress) -> str:
    return f"about {duration(state.seconds_left)} left" if state.seconds_left is not None else ""


def _row(state: Progress, trial: Trial, is_whole: bool) -> list[str | Text]:
    last = next((m for m in reversed(trial.measurements) if m.has(state.best)), None)
    figures = [number(last.metrics[name]) if last else "" for name in state.best]
    epoch = f"{trial.last_epoch}/{state.num_epochs}"
    origin = "" if trial.origin is None else f"({_origin(trial.origin)}) "
    lines = [short(trial.params), trial.reason or ""]
    detail = "\n".join(filter(None, lines)) if is_whole else lines[1] or lines[0]
    return [str(trial.number), trial.state.value, epoch, *figures, Text(origin + detail)]


def _origin(origin: Mapping[str, Any]) -> str:
    return f"retries {origin['retries']}" if "retries" in origin else "enqueued"


def _trial_json(trial: Trial) -> dict[str, Any]:
    last = trial.measurements[-1] if trial.measurements else None
    return {
        "number": trial.number,
        "state": trial.state.value,
        "reason": trial.reason,
        "params": dict(trial.params),
        "epoch": trial.last_epoch,
        "metrics": dict(last.metrics) if last else {},
        "num_attempts": trial.num_attempts,
        "origin": trial.origin,
        "started_at": trial.started_at,
        "finished_at": trial.finished_at,
    }
