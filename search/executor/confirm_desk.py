"""The desk of a confirmation: hands out repeats of trainings, hears what they score."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, final

from search.assignment import Assignment, Round
from search.confirm_plan import Plan
from search.errors import SearchError, StoreError
from search.report.confirm_progress import ConfirmProgress, EndedRepeat
from search.seeds import Purpose, derive_seed
from search.study.confirmations import Confirmation, read_confirmations, write_confirmations
from search.study.lease import Lease
from search.study.outages import patiently
from search.study.writer import MAX_FRUITLESS_ATTEMPTS, StudyWriter

_PATIENCE_SECONDS: Final = 300.0  # how long an outage of the database may last
# Attempts need no table: the lease's token grows with every driver, and no driver makes so many.
_ATTEMPTS_PER_DRIVER: Final = 1_000_000

Repeat = tuple[int, int]  # trial and repeat


@final
class ConfirmDesk:
    """What a driver does between its workers and the confirmation that it records.

    Args:
        writer: The search, held by this driver.
        plan: What to train.
        tell: Called with how far the confirmation is, whenever that changes.
        on_error: Called once when it has to end, so that the workers end as well.
        patience: Seconds to wait for a database that does not answer.

    Attributes:
        error: What forces the confirmation to end, if anything does.
        given_up: Repeats whose processes died again and again; the next driver tries them again.
    """

    def __init__(
        self,
        writer: StudyWriter,
        plan: Plan,
        tell: Callable[[ConfirmProgress], None] = lambda _: None,
        on_error: Callable[[], None] = lambda: None,
        patience: float = _PATIENCE_SECONDS,
    ):
        self._writer = writer
        self._plan = plan
        self._tell = tell
        self._on_error = on_error
        self._patience = patience
        self._rows = read_confirmations(writer.reader)
        self._live: dict[str, Assignment] = {}
        self._num_attempts = 0
        self._num_fruitless: Counter[Repeat] = Counter()
        self._fruitful: set[int] = set()  # attempts that reported something new
        self._causes: dict[str, str] = {}
        self._ended: list[EndedRepeat] = []
        self._exhausted: set[Repeat] = set()  # ran out of memory once
        self._started_at: float | None = None
        self._is_closed = False
        self._next: Repeat | None = None
        self.given_up: set[Repeat] = set()
        self.error: SearchError | None = None
        self._look_ahead()

    @property
    def lease(self) -> Lease:
        """The lease of the driver that this desk belongs to."""
        return self._writer.lease

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to hand out and nothing is out."""
        return not self._live and (self._next is None or self._is_closed)

    @property
    def has_everything(self) -> bool:
        """Whether every repeat has ended, or was given up."""
        return not self._live and self._next is None

    @property
    def num_live(self) -> int:
        """How many trainings are out."""
        return len(self._live)

    @property
    def num_wanted(self) -> int:
        """How many trainings could be out if there was room for all."""
        missing = set(self._plan.missing(self._rows)) - self.given_up
        return len(missing | {(task.trial, task.repeat) for task in self._live.values()})

    @property
    def is_closed(self) -> bool:
        """Whether nothing is handed out any more, although something may be left."""
        return self._is_closed

    def close(self) -> None:
        """Hands nothing out any more; what is out may still report."""
        self._is_closed = True

    def hand_out(self, worker: str) -> Assignment | None:
        """Returns the next repeat for a worker, None if there is none now."""
        if self._next is None or self._is_closed:
            return None
        trial, repeat = self._next
        self._num_attempts += 1
        attempt = self._writer.lease.token * _ATTEMPTS_PER_DRIVER + self._num_attempts
        epochs = self._plan.epochs_by_trial(self._rows)[trial]
        params = self._plan.params[trial]
        seed = training_seed(self._plan.config.seed, trial, repeat)
        is_alone = (trial, repeat) in self._exhausted
        assignment = Assignment(trial, attempt, params, seed, repeat, epochs, is_alone)
        self._live[worker] = assignment
        self._started_at = self._started_at or time.monotonic()
        self._look_ahead()
        return assignment

    def hear(self, worker: str, report: Round) -> None:
        """Records what a worker reports. One whose repeat has ended may repeat its last report."""
        task = self._live.get(worker)
        if task is None:
            return
        if report.outcome == "blocked":
            self._fail(StoreError(f"{report.reason} Nothing measured is lost."))
        rows = [
            Confirmation(task.trial, task.repeat, m.epoch, m.metrics, m.unix_time)
            for m in report.measurements
            if m.epoch in (task.epochs or ())
        ]
        key = (task.trial, task.repeat)
        is_again = report.outcome == "exhausted" and key not in self._exhausted
        has_failed = report.outcome in ("failed", "exhausted") and not is_again
        if has_failed:
            self._record([*rows, *self._unmeasured(task, rows)], task, report.reason)
        elif rows:
            self._record(rows, task)
        if report.outcome is None:
            return
        self._live.pop(worker, None)
        if report.outcome == "complete" or has_failed:
            self._note_end(task, report.reason if has_failed else None)
        elif is_again:  # once more, with a GPU for itself
            self._exhausted.add(key)
        elif not self._is_closed:  # it ended although nobody asked it to
            self._release(task, None)
        self._look_ahead()

    def is_stopped(self, worker: str) -> bool:
        """Whether the trial of a worker was ended early: no repeat is."""
        return False

    def lose(self, worker: str) -> None:
        """Notes that a worker's process died; its repeat goes on in another one."""
        task = self._live.pop(worker, None)
        if task is not None:
            self._release(task, self._causes.pop(worker, None))
            self._look_ahead()

    def look(self) -> None:
        """Does nothing: people ask nothing of a confirmation but to end it."""

    def keep(self, num: int) -> None:
        """Does nothing: what is out is let run to its end, and only then gives its place up."""

    def end(self) -> None:
        """Ends the desk: whatever is out will not report any more."""
        self._is_closed = True
        self._live.clear()

    def note(self, kind: str, details: Mapping[str, Any]) -> None:
        """Notes an event in the search's history."""
        self._try(lambda: self._writer.note(kind, details))

    def note_cause(self, worker: str, cause: str) -> None:
        """Remembers what is known of a worker's death, for the record that may follow."""
        self._causes[worker] = cause

    def _release(self, task: Assignment, cause: str | None) -> None:
        """Has a repeat wait for its next attempt, or gives it up."""
        key = (task.trial, task.repeat)
        is_fruitful = task.attempt in self._fruitful
        self._num_fruitless[key] = 0 if is_fruitful else self._num_fruitless[key] + 1
        if self._num_fruitless[key] < MAX_FRUITLESS_ATTEMPTS:
            return
        self.given_up.add(key)
        reason = f"its process died {MAX_FRUITLESS_ATTEMPTS} times without a new figure"
        reason += f": {cause}" if cause else ""
        details = {"trial": task.trial, "repeat": task.repeat, "reason": reason}
        self._try(lambda: self._writer.note("confirmation given up", details))
        self._ended.append(EndedRepeat(task.trial, task.repeat, {}, reason))

    def _record(
        self, rows: Sequence[Confirmation], task: Assignment, reason: str | None = None
    ) -> None:
        details = {"trial": task.trial, "repeat": task.repeat, "reason": reason}
        event: Any = ("confirmation failed", details) if reason else None
        self._try(lambda: write_confirmations(self._writer.reader, rows, event))
        known = {row.key for row in self._rows}
        new = [row for row in rows if row.key not in known]
        if self.error is None and new:
            self._rows += new
            self._fruitful.add(task.attempt)

    def _unmeasured(self, task: Assignment, rows: Sequence[Confirmation]) -> list[Confirmation]:
        """Returns rows that say of a training that it failed before it could be measured."""
        measured = {row.key for row in [*self._rows, *rows]}
        nothing = dict.fromkeys(self._plan.config.objectives, math.nan)
        wanted = [
            Confirmation(task.trial, task.repeat, epoch, nothing, time.time())
            for epoch in task.epochs or ()
        ]
        return [row for row in wanted if row.key not in measured]

    def _note_end(self, task: Assignment, reason: str | None) -> None:
        if self.error is not None:  # then nobody knows what was recorded
            return
        figures = {
            row.epoch: row.metrics
            for row in self._rows
            if (row.trial, row.repeat) == (task.trial, task.repeat)
            and row.epoch in (task.epochs or ())
        }
        self._ended.append(EndedRepeat(task.trial, task.repeat, figures, reason))

    def _look_ahead(self) -> None:
        """Brings the plan to what is recorded and under way now, and tells how far it is."""
        running = [(task.trial, task.repeat) for task in self._live.values()]
        self._next = self._plan.next(self._rows, [*running, *self.given_up])
        missing = self._plan.missing(self._rows)
        self._tell(
            ConfirmProgress(
                num_wanted=self._plan.num_wanted(self._rows),
                num_missing=len(missing),
                running=running,
                ended=tuple(self._ended),
                seconds_left=self._seconds_left(missing.values()),
                objectives=tuple(self._plan.config.objectives),
            )
        )

    def _seconds_left(self, missing: Any) -> float | None:
        """Returns an estimate by the epochs that are left and those that ended so far."""
        trained = sum(max(ended.figures, default=0) for ended in self._ended)
        if not trained or self._started_at is None:
            return None
        elapsed = time.monotonic() - self._started_at
        return elapsed / trained * sum(epochs[-1] for epochs in missing)

    def _try(self, action: Callable[[], Any]) -> None:
        """Does something to the study, patiently. An error that ends the confirmation is kept:
        raised here, inside of Tune's loop, it would be lost in Tune's own."""
        try:
            patiently(action, self._patience)
        except SearchError as error:
            self._fail(error)

    def _fail(self, error: SearchError) -> None:
        self._is_closed = True
        if self.error is None:
            self.error = error
            self._on_error()


def training_seed(study_seed: int, trial: int, repeat: int) -> int:
    """Returns the seed of a repeat of a trial's training."""
    return derive_seed(derive_seed(study_seed, Purpose.CONFIRMING, repeat), Purpose.TRAINING, trial)
