"""The driver's desk: hands out attempts and hears what they report. Knows nothing of Ray."""

import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar, final

from search.assignment import Assignment, Round
from search.early_stopping import EarlyStopping, Stop
from search.errors import SearchError, StoreError
from search.study.outages import is_outage
from search.study.writer import StudyWriter
from search.trial import Measurement, Params, Trial, TrialState

_PATIENCE_SECONDS: Final = 300.0  # how long an outage of the database may last

Result = TypeVar("Result")


@final
class Desk:
    """What the driver does between its workers and the study.

    Args:
        writer: The search, held by this driver.
        num_trials: How many trials the study should hold in the end.
        rule: Ends weak trials early; has seen nothing yet.
        on_error: Called once when the search has to end, so that the workers end as well.
        patience: Seconds to wait for a database that does not answer.

    Attributes:
        error: What forces the search to end, if anything does.
    """

    def __init__(
        self,
        writer: StudyWriter,
        num_trials: int,
        rule: EarlyStopping | None = None,
        on_error: Callable[[], None] = lambda: None,
        patience: float = _PATIENCE_SECONDS,
    ):
        self._writer = writer
        self._on_error = on_error
        self._patience = patience
        self._live: dict[str, Assignment] = {}
        self._waiting = [t.number for t in writer.trials() if t.state is TrialState.WAITING]
        self._num_trials = min(num_trials, writer.proposals.limit or num_trials)
        self._num_created = len(writer.trials())
        self._is_closed = False
        self._rule = rule
        self._stops: dict[int, Stop] = {}
        self._stopped_workers: set[str] = set()
        self._causes: dict[str, str] = {}
        self.error: SearchError | None = None
        self._replay()

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to hand out and nothing is out."""
        return not self._live and not self._is_open

    @property
    def has_everything(self) -> bool:
        """Whether every trial that the study should hold has ended."""
        return not self._live and not self._waiting and self._num_created >= self._num_trials

    @property
    def _is_open(self) -> bool:
        left = bool(self._waiting) or self._num_created < self._num_trials
        return left and not self._is_closed

    @property
    def is_closed(self) -> bool:
        """Whether nothing is handed out any more, although something may be left."""
        return self._is_closed

    def close(self) -> None:
        """Hands nothing out any more; what is out may still report."""
        self._is_closed = True

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
        number, attempt = assignment.trial, assignment.attempt
        if report.outcome == "blocked":
            self._fail(StoreError(f"{report.reason} Nothing measured is lost."))

        def record() -> None:
            self._writer.record(number, attempt, report.measurements)
            # All of them, as a replay shows all: a lost attempt's successor reports several rungs.
            self._observe(number, assignment.params, report.measurements)
            match report.outcome:
                case "complete" | "failed":
                    state = TrialState(report.outcome)
                    self._writer.finish(number, attempt, state, report.reason)
                case "interrupted" | "blocked":
                    self._release(number, attempt, "interrupted" if self._is_closed else "lost")
                case None:
                    self._stop_early(number, attempt)

        self._try(record)
        is_stopped = report.outcome is None and number in self._stops
        if is_stopped:
            self._stopped_workers.add(worker)
        if report.outcome is not None or is_stopped:
            del self._live[worker]

    def is_stopped(self, worker: str) -> bool:
        """Whether the trial of a worker was ended early, and the worker is free for another."""
        return worker in self._stopped_workers

    def _observe(self, number: int, params: Params, measurements: Sequence[Measurement]) -> None:
        """Shows measurements to the early stopping, in the recorded order; known ones are nothing
        new to it."""
        if self._rule is None:
            return
        for item in measurements:
            stop = self._rule.observe(number, params, item)
            if stop is not None:
                self._stops.setdefault(number, stop)

    def _replay(self) -> None:
        """Brings the early stopping to where it was, and ends trials whose stop was not recorded.

        A crash may have come between a measurement and the stop that follows from it.
        """
        if self._rule is None:
            return
        params = {trial.number: dict(trial.params) for trial in self._writer.trials()}
        for number, measurement in self._writer.reader.recorded():
            self._observe(number, params[number], [measurement])
        for number in list(self._waiting):
            if number in self._stops:
                self._stop_early(number, self._writer.trial(number).num_attempts)
                self._waiting.remove(number)

    def _stop_early(self, number: int, attempt: int) -> None:
        stop = self._stops.get(number)
        if stop is not None:
            state = TrialState.PRUNED
            self._writer.finish(number, attempt, state, stop.reason, stop.details)

    def lose(self, worker: str) -> None:
        """Records that a worker's process died; its trial goes on in another one."""
        assignment = self._live.pop(worker, None)
        if assignment is None:
            return
        number, attempt = assignment.trial, assignment.attempt
        cause = self._causes.pop(worker, None)
        self._try(lambda: self._release(number, attempt, "lost", cause))

    def lose_all(self) -> None:
        """Records that every attempt that is out will not report any more."""
        for worker in list(self._live):
            self.lose(worker)

    def note_cause(self, worker: str, cause: str) -> None:
        """Remembers what is known of a worker's death, for the record that follows."""
        self._causes[worker] = cause

    def _release(self, number: int, attempt: int, outcome: str, cause: str | None = None) -> None:
        """Has a trial wait for its next attempt; one that nobody asked to stop counts as lost."""
        self._writer.release_trial(number, attempt, outcome, cause)
        if not self._writer.trial(number).state.is_finished:
            self._waiting.insert(0, number)

    def _start(self, worker: str) -> Assignment:
        if self._waiting:
            trial = self._writer.trial(self._waiting[0])
        else:
            trial = self._new_trial()
            self._num_created += 1
            self._waiting.append(trial.number)
        attempt = self._writer.start_attempt(trial)
        self._waiting.pop(0)
        assignment = Assignment(trial.number, attempt, dict(trial.params), trial.seed)
        self._live[worker] = assignment
        return assignment

    def _new_trial(self) -> Trial:
        known = self._writer.trials()
        if len(known) > self._num_created:  # recorded just before the database went away
            return known[self._num_created]
        return self._writer.new_trial()

    def _try(self, action: Callable[[], Result]) -> Result | None:
        """Does something to the study, again while its database is away; every action may repeat.

        An error that only ends the search is kept in `error`: raised here, inside of Tune's loop,
        it would be lost in Tune's own.
        """
        deadline = time.monotonic() + self._patience
        pause = 0.2
        while True:
            try:
                return action()
            except SearchError as error:
                self._fail(error)
                return None
            except Exception as error:
                if not is_outage(error):
                    raise
                if time.monotonic() > deadline:
                    message = f"The study database does not answer: {error}."
                    self._fail(SearchError(f"{message} `vaesearch resume` goes on once it does."))
                    return None
                time.sleep(pause)
                pause = min(5.0, pause * 2)

    def _fail(self, error: SearchError) -> None:
        self._is_closed = True
        if self.error is None:
            self.error = error
            self._on_error()
