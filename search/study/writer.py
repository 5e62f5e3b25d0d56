"""Writing a search: by its one driver, who holds the lease. Every commit here is fenced."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import sqlalchemy as sa

from search.config import StudyConfig
from search.study import tables
from search.study.knowledge import final_values
from search.study.lease import Lease
from search.study.new_trials import NewTrials
from search.study.proposals import Proposals
from search.study.reader import StudyReader, plain_metrics
from search.trial import Measurement, Trial, TrialState

# A trial whose processes die this often without one new epoch is given up: it kills its workers.
MAX_FRUITLESS_ATTEMPTS: Final = 3


@final
class StudyWriter:
    """What a driver does to its search.

    Args:
        engine: From `open_database`, not shared with another search's driver.
        reader: The search.
        lease: Held on the search; the engine is already fenced by it.
        proposals: The search's Optuna study.
    """

    def __init__(self, engine: sa.Engine, reader: StudyReader, lease: Lease, proposals: Proposals):
        self._engine = engine
        self.reader = reader
        self._id = reader.id
        self.lease = lease
        self.proposals = proposals
        record = reader.record()
        self._config = record.config
        self.new_trials = NewTrials(engine, record, proposals)
        # What this driver, the only one that writes, knows of the trials that it handed out.
        self._attempts_now: dict[int, int] = {}
        self._rows_now: dict[int, set[tuple[int, int]]] = {}

    def mend(self) -> None:
        """Has every trial that was running when its driver died wait for its next attempt."""
        for trial in self.reader.trials():
            if trial.state is TrialState.RUNNING:
                self._end(
                    trial.number, trial.num_attempts, "abandoned", state=TrialState.WAITING.value
                )

    def new_trial(self) -> Trial:
        """Asks for a new trial and records it as waiting."""
        return self.new_trials.make()

    def trials(self) -> list[Trial]:
        """Returns every trial as it stands."""
        return self.reader.trials()

    def trial(self, number: int) -> Trial:
        """Returns a trial as it stands."""
        return self.reader.trials(number)[0]

    def start_attempt(self, trial: Trial) -> int:
        """Records that a worker starts on a trial; returns the attempt's number, from 1."""
        number = trial.num_attempts + 1
        with self._engine.begin() as connection:
            connection.execute(
                sa.insert(tables.attempt).values(
                    search_id=self._id,
                    trial=trial.number,
                    number=number,
                    started_at=time.time(),
                )
            )
            changes = {"state": TrialState.RUNNING.value}
            started = {} if trial.started_at else {"started_at": time.time()}
            connection.execute(self._trial_update(trial.number).values(**changes, **started))
        self._attempts_now[trial.number] = number
        return number

    def record(self, trial: int, attempt: int, measurements: Sequence[Measurement]) -> int:
        """Stores what a worker measured; what is known already changes nothing.

        Args:
            trial: The trial's number.
            attempt: The attempt that reports. A stale one, overtaken by a later, is ignored.
            measurements: What it, and the attempts it goes on from, measured.

        Returns:
            How many of them were new.
        """
        if not self._is_current(trial, attempt):
            return 0
        known = self._rows_now.get(trial)
        if known is None:
            known = self._rows_now[trial] = self._known_rows(trial)
        rows = [
            {
                "search_id": self._id,
                "trial": trial,
                "attempt": item.attempt,
                "epoch": item.epoch,
                "metrics": plain_metrics(item.metrics),
                "unix_time": item.unix_time,
            }
            for item in measurements
            if (item.attempt, item.epoch) not in known
        ]
        if rows:
            del self._rows_now[trial]  # an error may come after the commit: look then
            with self._engine.begin() as connection:
                connection.execute(sa.insert(tables.measurement), rows)
            self._rows_now[trial] = known
        known |= {(item.attempt, item.epoch) for item in measurements}
        return len(rows)

    def finish(
        self,
        number: int,
        attempt: int,
        state: TrialState,
        reason: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Ends a trial for good, with us and with Optuna. A stale attempt ends nothing.

        A trial is complete only with finite objectives at its last epoch; else it becomes failed.
        `details` are those of an early stop, for the search's history.
        """
        if not self._is_current(number, attempt):
            return
        values = final_values(self._config, self.trial(number))
        if state is TrialState.COMPLETE and values is None:
            state, reason = TrialState.FAILED, reason or "an objective is missing or not finite"
        events = []
        if details is not None:
            events = [self._event("trial stopped early", {"trial": number, **details})]
        changes = {"reason": reason, "finished_at": time.time()}
        self._end(number, attempt, state.value, events, state=state.value, **changes)
        self._rows_now.pop(number, None)
        self.proposals.tell(number, state, values)

    def release_trial(
        self, number: int, attempt: int, outcome: str, cause: str | None = None
    ) -> None:
        """Records that an attempt ended and the trial did not: it waits for the next attempt.

        Args:
            number: The trial.
            attempt: The attempt, ignored if stale.
            outcome: `interrupted` (it saved and ended), `out of memory`, or `lost` (its process
                died). A trial that was lost three times without a new epoch fails.
            cause: What is known of the reason, if it was lost.
        """
        if not self._is_current(number, attempt):
            return
        if outcome == "lost" and self._fruitless_attempts(number) >= MAX_FRUITLESS_ATTEMPTS:
            reason = f"its process died {MAX_FRUITLESS_ATTEMPTS} times without a new epoch"
            reason += f": {cause}" if cause else ""
            self.finish(number, attempt, TrialState.FAILED, reason)
            return
        self._end(number, attempt, outcome, state=TrialState.WAITING.value)

    def prepare(self, prepared: Mapping[str, Any]) -> None:
        """Stores what the first run prepared: extractor, floor, ceiling."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(tables.search)
                .where(tables.search.c.id == self._id)
                .values(prepared=dict(prepared))
            )

    def remeasured(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Stores test figures of a candidate's stored weights; the first ones stay."""
        if (trial, epoch) in self.reader.remeasured():
            return
        with self._engine.begin() as connection:
            connection.execute(
                sa.insert(tables.remeasurement).values(
                    search_id=self._id,
                    trial=trial,
                    epoch=epoch,
                    metrics=plain_metrics(metrics),
                    unix_time=time.time(),
                )
            )

    def change_config(
        self,
        config: StudyConfig,
        kind: str,
        details: Any,
        identity: Mapping[str, Any] | None = None,
    ) -> None:
        """Stores a changed study file and what changed, as an event of the search's history; and
        what resumes must match from now on, if that is given."""
        values: dict[str, Any] = {"config": config.model_dump(mode="json")}
        if identity is not None:
            values["identity"] = dict(identity)
        self._change(values, kind, details)

    def grow(self, config: StudyConfig, identity: Mapping[str, Any], details: Any) -> None:
        """Gives the search a larger space, in which all that is known so far goes on counting.

        The next driver's proposals come from it.
        """
        record = self.reader.record()
        values = {
            "config": config.model_dump(mode="json"),
            "identity": dict(identity),
            "generation": record.generation + 1,
        }
        self._change(values, "space grown", details)

    def change_identity(self, identity: Mapping[str, Any], details: Any) -> None:
        """Stores what later resumes must match, after a person accepted a change of code."""
        self._change({"identity": dict(identity)}, "code change accepted", details)

    def note(self, kind: str, details: Mapping[str, Any]) -> None:
        """Adds an event to the search's history."""
        with self._engine.begin() as connection:
            connection.execute(self._event(kind, details))

    def _change(self, values: Mapping[str, Any], kind: str, details: Any) -> None:
        """Changes the search's own row, and says so in its history."""
        changed = sa.update(tables.search).where(tables.search.c.id == self._id).values(**values)
        with self._engine.begin() as connection:
            connection.execute(changed)
            connection.execute(self._event(kind, details))

    def _known_rows(self, trial: int) -> set[tuple[int, int]]:
        table = tables.measurement
        query = sa.select(table.c.attempt, table.c.epoch).where(
            table.c.search_id == self._id, table.c.trial == trial
        )
        with self._engine.connect() as connection:
            return {(row.attempt, row.epoch) for row in connection.execute(query)}

    def _attempts(self, trial: int) -> Sequence[Any]:
        table = tables.attempt
        query = sa.select(table).where(table.c.search_id == self._id, table.c.trial == trial)
        with self._engine.connect() as connection:
            return connection.execute(query.order_by(table.c.number)).all()

    def _is_current(self, trial: int, attempt: int) -> bool:
        if trial not in self._attempts_now:
            attempts = self._attempts(trial)
            self._attempts_now[trial] = attempts[-1].number if attempts else 0  # 0: it never began
        return attempt == self._attempts_now[trial]

    def _fruitless_attempts(self, trial: int) -> int:
        """Returns how many of the last attempts were lost without a measurement of their own.

        The current attempt, which has no outcome yet, counts as lost.
        """
        fruitful = {attempt for attempt, _ in self._known_rows(trial)}
        count = 0
        for attempt in reversed(self._attempts(trial)):
            if attempt.outcome == "abandoned":
                continue  # its driver died: that says nothing of the trial
            if attempt.outcome not in ("lost", None) or attempt.number in fruitful:
                break
            count += 1
        return count

    def _end(
        self,
        trial: int,
        attempt: int,
        outcome: str,
        events: Sequence[sa.Insert] = (),
        **changes: Any,
    ) -> None:
        """Ends an attempt, changes its trial and adds to the history, in one commit."""
        table = tables.attempt
        ended = sa.update(table).where(
            table.c.search_id == self._id, table.c.trial == trial, table.c.number == attempt
        )
        with self._engine.begin() as connection:
            connection.execute(ended.values(ended_at=time.time(), outcome=outcome))
            connection.execute(self._trial_update(trial).values(**changes))
            for event in events:
                connection.execute(event)

    def _trial_update(self, number: int) -> sa.Update:
        table = tables.trial
        return sa.update(table).where(table.c.search_id == self._id, table.c.number == number)

    def _event(self, kind: str, details: Any) -> sa.Insert:
        return sa.insert(tables.event).values(
            search_id=self._id, unix_time=time.time(), kind=kind, details=details
        )
