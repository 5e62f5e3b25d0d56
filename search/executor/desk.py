"""The driver's desk: hands out attempts and hears what they report. Knows nothing of Ray."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, final

from search.assignment import Assignment, Round
from search.early_stopping import EarlyStopping, Stops
from search.errors import SearchError, StoreError
from search.executor.trial_queue import TrialQueue
from search.settling import Stagnation, replayed
from search.study.attempts import OUT_OF_MEMORY, read_attempts
from search.study.outages import patiently
from search.study.requests import Kind, Request, mark_handled, num_retries, open_requests
from search.study.writer import StudyWriter
from search.trial import TrialState

_PATIENCE_SECONDS: Final = 300.0  # how long an outage of the database may last
_LOOK_SECONDS: Final = 0.5  # between two looks at what people ask for
_PROPOSAL_SECONDS: Final = 1.0  # to wait for a sampler while nothing runs
_BY_HAND: Final = "stopped by hand"

Result = TypeVar("Result")


@final
class Desk:
    """What the driver does between its workers and the study.

    Args:
        writer: The search, held by this driver.
        num_trials: How many trials the study should hold in the end, but for retries.
        rule: Ends weak trials early; has seen nothing yet.
        on_error: Called once when the search has to end, so that the workers end as well.
        patience: Seconds to wait for a database that does not answer.
        num_workers: How many trials run at once; with several, trials are proposed ahead of time.

    Attributes:
        error: What forces the search to end, if anything does.
        on_stop_attempt: Called with an attempt whose worker should save and end.
    """

    def __init__(
        self,
        writer: StudyWriter,
        num_trials: int,
        rule: EarlyStopping | None = None,
        on_error: Callable[[], None] = lambda: None,
        patience: float = _PATIENCE_SECONDS,
        num_workers: int = 1,
    ):
        self._writer = writer
        self._on_error = on_error
        self._patience = patience
        self._live: dict[str, Assignment] = {}
        self._queue = TrialQueue(writer, num_trials, num_workers)
        self._is_closed = False
        self._stops = Stops(rule)
        self._stopped_workers: set[str] = set()
        self._asked_to_stop: dict[int, Request] = {}
        self._causes: dict[str, str] = {}
        self._next_look = 0.0
        self.error: SearchError | None = None
        self.on_stop_attempt: Callable[[Assignment], None] = lambda _: None
        self._given_back: set[tuple[int, int]] = set()  # trials and attempts asked to save and wait
        self._exhausted = {
            item.trial for item in read_attempts(writer.reader) if item.outcome == OUT_OF_MEMORY
        }
        self._still = self._replay_ends()
        self._queue.is_held_back = self.is_settled
        self._replay_stops()

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to hand out and nothing is out."""
        return not self._live and not self._is_open

    @property
    def has_everything(self) -> bool:
        """Whether every trial that the study should hold has ended."""
        return not self._live and not self._queue.has_more

    @property
    def num_live(self) -> int:
        """How many attempts are out."""
        return len(self._live)

    @property
    def num_wanted(self) -> int:
        """How many attempts could be out if there was room for all."""
        return len(self._live) + self._queue.num_left

    @property
    def is_settled(self) -> bool:
        """Whether the hypervolume has stood still for as long as the study file says."""
        return self._still is not None and self._still.is_over

    @property
    def _is_open(self) -> bool:
        return not self._is_closed and self._queue.has_more

    @property
    def is_closed(self) -> bool:
        """Whether nothing is handed out any more, although something may be left."""
        return self._is_closed

    def close(self) -> None:
        """Hands nothing out any more; what is out may still report."""
        self._is_closed = True

    def end(self) -> None:
        """Ends the desk: whatever is out will not report any more, and nothing is proposed."""
        for worker in list(self._live):
            self.lose(worker)
        self._queue.close()

    def hand_out(self, worker: str) -> Assignment | None:
        """Returns the next attempt for a worker, None if there is none now.

        Interrupted and lost trials come first, new ones after them.
        """
        if not self._is_open:
            return None
        return self._try(lambda: self._start(worker))

    def hear(self, worker: str, report: Round) -> None:
        """Records what a worker reports, and its trial's end if it or the early stopping says so.

        A worker whose trial has ended may repeat its last report.
        """
        assignment = self._live.get(worker)
        if assignment is None:
            return
        number = assignment.trial
        if report.outcome == "blocked":
            self._fail(StoreError(f"{report.reason} Nothing measured is lost."))
        self._try(lambda: self._record(assignment, report))
        is_stopped = report.outcome is None and number in self._stops
        if is_stopped:
            self._stopped_workers.add(worker)
        if report.outcome is not None or is_stopped:
            del self._live[worker]
            self._note_end(number)

    def is_stopped(self, worker: str) -> bool:
        """Whether the trial of a worker was ended early, and the worker is free for another."""
        return worker in self._stopped_workers

    def lose(self, worker: str) -> None:
        """Records that a worker's process died; its trial goes on in another one."""
        assignment = self._live.pop(worker, None)
        if assignment is None:
            return
        number, attempt = assignment.trial, assignment.attempt
        cause = self._causes.pop(worker, None)
        self._try(lambda: self._release(number, attempt, "lost", cause))
        self._note_end(number)

    def note(self, kind: str, details: Mapping[str, Any]) -> None:
        """Notes an event in the search's history."""
        self._try(lambda: self._writer.note(kind, details))

    def note_cause(self, worker: str, cause: str) -> None:
        """Remembers what is known of a worker's death, for the record that follows."""
        self._causes[worker] = cause

    def look(self) -> None:
        """Looks, a few times a second at most, at what people ask for, and does it."""
        now = time.monotonic()
        if now < self._next_look or self._is_closed:
            return
        self._next_look = now + _LOOK_SECONDS
        self._try(self._do_requests)

    def keep(self, num: int) -> None:
        """Has those that started last save, end and wait, where more than `num` are out."""
        staying = [a for a in self._live.values() if (a.trial, a.attempt) not in self._given_back]
        for assignment in staying[num:]:
            self._given_back.add((assignment.trial, assignment.attempt))
            self.on_stop_attempt(assignment)

    def _do_requests(self) -> None:
        reader = self._writer.reader
        found = open_requests(reader.engine, reader.id)
        points = [item for item in found if item.kind in (Kind.ENQUEUE, Kind.RETRY)]
        self._queue.note_requests(points, num_retries(reader.engine, reader.id))
        for item in found:
            if item.kind is Kind.STOP_TRIAL:
                self._asked_to_stop[item.payload["trial"]] = item
                self._stop_by_hand(item.payload["trial"])

    def _stop_by_hand(self, number: int) -> None:
        live = [assignment for assignment in self._live.values() if assignment.trial == number]
        if live:
            self.on_stop_attempt(live[0])  # it saves and ends; then its end is recorded
        elif number in self._queue.waiting:
            self._finish_by_hand(number, self._writer.trial(number).num_attempts)
            self._queue.remove(number)
            self._note_end(number)
        elif self._writer.trial(number).state.is_finished:
            mark_handled(self._writer.reader.engine, [self._asked_to_stop[number]])

    def _finish_by_hand(self, number: int, attempt: int) -> None:
        details = {"rule": "by hand", "epoch": self._writer.trial(number).last_epoch}
        self._writer.finish(number, attempt, TrialState.PRUNED, _BY_HAND, details)
        mark_handled(self._writer.reader.engine, [self._asked_to_stop[number]])

    def _record(self, assignment: Assignment, report: Round) -> None:
        number, attempt = assignment.trial, assignment.attempt
        self._writer.record(number, attempt, report.measurements)
        # All of them, as a replay shows all: a lost attempt's successor reports several rungs.
        self._stops.observe(number, assignment.params, report.measurements)
        match report.outcome:
            case "complete" | "failed":
                state = TrialState(report.outcome)
                self._writer.finish(number, attempt, state, report.reason)
            case "interrupted" if number in self._asked_to_stop:
                self._finish_by_hand(number, attempt)
            case "exhausted" if number in self._exhausted:
                self._writer.finish(number, attempt, TrialState.FAILED, report.reason)
            case "exhausted":  # once more, alone on its GPU
                self._exhausted.add(number)
                self._release(number, attempt, OUT_OF_MEMORY, report.reason)
            case "interrupted" | "blocked":
                was_asked = self._is_closed or (number, attempt) in self._given_back
                self._release(number, attempt, "interrupted" if was_asked else "lost")
            case None:
                self._stop_early(number, attempt)

    def _replay_stops(self) -> None:
        """Brings the early stopping to where it was, and ends trials whose stop was not recorded.

        A crash may have come between a measurement and the stop that follows from it.
        """
        params = {trial.number: dict(trial.params) for trial in self._writer.trials()}
        for number, measurement in self._writer.reader.recorded():
            self._stops.observe(number, params[number], [measurement])
        for number in self._queue.waiting:
            if number in self._stops:
                self._stop_early(number, self._writer.trial(number).num_attempts)
                self._queue.remove(number)
                self._note_end(number)

    def _stop_early(self, number: int, attempt: int) -> None:
        stop = self._stops.get(number)
        if stop is not None:
            state = TrialState.PRUNED
            self._writer.finish(number, attempt, state, stop.reason, stop.details)

    def _replay_ends(self) -> Stagnation | None:
        """Returns what watches for a hypervolume that stands still, if the study file wants it."""
        record = self._writer.reader.record()
        if record.config.budget.still_trials is None:
            return None
        return replayed(record.config, record.prepared or {}, self._writer.trials())

    def _note_end(self, number: int) -> None:
        """Takes the end of a trial, if it is one, into account."""
        if self._still is not None:
            trial = self._try(lambda: self._writer.trial(number))
            if trial is not None and trial.state.is_finished:
                self._still.observe(trial)
                self._queue.is_held_back = self.is_settled

    def _release(self, number: int, attempt: int, outcome: str, cause: str | None = None) -> None:
        """Has a trial wait for its next attempt; one that nobody asked to stop counts as lost."""
        self._writer.release_trial(number, attempt, outcome, cause)
        if not self._writer.trial(number).state.is_finished:
            self._queue.put_first(number)

    def _start(self, worker: str) -> Assignment | None:
        # Tune, with nothing to run, would look again after a whole second.
        trial = self._queue.first(0.0 if self._live else _PROPOSAL_SECONDS)
        if trial is None:
            return None
        attempt = self._writer.start_attempt(trial)
        self._queue.remove(trial.number)
        what = (trial.number, attempt, dict(trial.params), trial.seed)
        assignment = Assignment(*what, is_alone=trial.number in self._exhausted)
        self._live[worker] = assignment
        return assignment

    def _try(self, action: Callable[[], Result]) -> Result | None:
        """Does something to the study, again while its database is away; every action may repeat.

        An error that only ends the search is kept in `error`: raised here, inside of Tune's loop,
        it would be lost in Tune's own.
        """
        try:
            # Once is enough where waiting was in vain before.
            return patiently(action, 0.0 if self.error else self._patience)
        except SearchError as error:
            self._fail(error)
            return None

    def _fail(self, error: SearchError) -> None:
        self._is_closed = True
        if self.error is None:
            self.error = error
            self._on_error()
