"""Reading a search: by anyone, at any time, while a driver writes."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, final

import sqlalchemy as sa

from search.config import StudyConfig
from search.errors import NotFoundError
from search.study import tables
from search.study.requests import num_retries
from search.trial import Measurement, Trial, TrialState


@final
@dataclasses.dataclass(frozen=True, slots=True)
class SearchRecord:
    """What was fixed when a search was made, and `prepared` by its first run.

    Attributes:
        prepared: The extractor's hash and accuracy, the `floor` (real images against real ones),
            the `ceiling` (the training-mean image), counts of images, and `num_points`, how many
            different trials there can be (None: no end is near); None before the first run.
        generation: How often the space has grown.
        num_known: How many trials of another search the sampler knew from the beginning.
        num_retries: How many retries were asked for; each is a trial on top of the budget.
        owner: Whose search it is; None for one that was made before this was recorded.
    """

    id: str
    name: str
    config: StudyConfig
    identity: Mapping[str, Any]
    created_at: float
    prepared: Mapping[str, Any] | None
    generation: int = 0
    num_known: int = 0
    num_retries: int = 0
    owner: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the search ended because its hypervolume stood still, and got no more to do."""
        return bool((self.prepared or {}).get("is_settled"))

    @property
    def num_trials(self) -> int:
        """How many trials the search should hold in the end: a small grid has no more points."""
        points = (self.prepared or {}).get("num_points")
        budget = self.config.budget.trials
        return min(budget, budget if points is None else points) + self.num_retries


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a search as a whole."""

    unix_time: float
    kind: str
    details: Mapping[str, Any]


@final
class StudyReader:
    """One search of a study database.

    Args:
        engine: From `open_database`.
        name: The search's name.

    Attributes:
        id: The search's identifier, in the store and in every table.

    Raises:
        NotFoundError: If there is no search of that name.
    """

    def __init__(self, engine: sa.Engine, name: str):
        self.engine = engine
        self.name = name
        self._measured: dict[int, dict[int, Measurement]] = {}  # trial -> epoch -> newest attempt's
        self._sequence = 0
        self.id = self.record().id

    def record(self) -> SearchRecord:
        """Returns what is stored of the search itself."""
        # Bytes of a command line that are no text cannot be sent to a database, nor be a name.
        name = self.name.encode(errors="backslashreplace").decode()
        with self.engine.connect() as connection:
            query = sa.select(tables.search).where(tables.search.c.name == name)
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            known = ", ".join(list_names(self.engine))
            raise NotFoundError(
                f"There is no search `{name}` here. "
                + (f"Known: {known}." if known else "The workspace has none yet.")
            )
        fields = dict(row)
        config = StudyConfig.model_validate(fields.pop("config"))
        retries = num_retries(self.engine, fields["id"])
        return SearchRecord(config=config, num_retries=retries, **fields)

    def trials(self, number: int | None = None) -> list[Trial]:
        """Returns every trial, or the one of a number, with everything measured so far.

        Only measurements recorded since the last call are read from the database.
        """
        self._read_new_measurements()
        attempts = sa.func.count(tables.attempt.c.number)
        query = (
            sa.select(tables.trial, attempts.label("num_attempts"))
            .outerjoin(
                tables.attempt,
                sa.and_(
                    tables.attempt.c.search_id == tables.trial.c.search_id,
                    tables.attempt.c.trial == tables.trial.c.number,
                ),
            )
            .where(tables.trial.c.search_id == self.id)
            .group_by(tables.trial.c.search_id, tables.trial.c.number)
            .order_by(tables.trial.c.number)
        )
        if number is not None:
            query = query.where(tables.trial.c.number == number)
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [self._trial(row) for row in rows]

    def measurements_since(self, sequence: int, trial: int) -> list[tuple[int, Measurement]]:
        """Returns what was recorded of a trial after `sequence`, in that order."""
        table = tables.measurement
        query = (
            sa.select(table)
            .where(
                table.c.search_id == self.id,
                table.c.trial == trial,
                table.c.sequence > sequence,
            )
            .order_by(table.c.sequence)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [(row["sequence"], _measurement(row)) for row in rows]

    def recorded(self) -> list[tuple[int, Measurement]]:
        """Returns (trial, measurement) of everything measured, in the order of its recording."""
        table = tables.measurement
        query = sa.select(table).where(table.c.search_id == self.id).order_by(table.c.sequence)
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [(row["trial"], _measurement(row)) for row in rows]

    def remeasured(self) -> dict[tuple[int, int], dict[str, float]]:
        """Returns the test figures of stored weights, by (trial, epoch)."""
        table = tables.remeasurement
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(table).where(table.c.search_id == self.id)).all()
        return {(row.trial, row.epoch): _floats(row.metrics) for row in rows}

    def events(self) -> list[Event]:
        """Returns the search's history, oldest first."""
        table = tables.event
        query = sa.select(table).where(table.c.search_id == self.id).order_by(table.c.id)
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Event(row.unix_time, row.kind, row.details) for row in rows]

    def _read_new_measurements(self) -> None:
        table = tables.measurement
        query = (
            sa.select(table)
            .where(table.c.search_id == self.id, table.c.sequence > self._sequence)
            .order_by(table.c.sequence)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        for row in rows:
            self._sequence = row["sequence"]
            by_epoch = self._measured.setdefault(row["trial"], {})
            known = by_epoch.get(row["epoch"])
            if known is None or known.attempt <= row["attempt"]:
                by_epoch[row["epoch"]] = _measurement(row)

    def _trial(self, row: Any) -> Trial:
        by_epoch = self._measured.get(row["number"], {})
        return Trial(
            number=row["number"],
            params=row["params"],
            state=TrialState(row["state"]),
            reason=row["reason"],
            seed=row["seed"],
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            num_attempts=row["num_attempts"],
            measurements=tuple(by_epoch[epoch] for epoch in sorted(by_epoch)),
            origin=row["origin"],
        )


def list_names(engine: sa.Engine) -> list[str]:
    """Returns the names of all searches, oldest first."""
    query = sa.select(tables.search.c.name).order_by(tables.search.c.created_at)
    with engine.connect() as connection:
        return list(connection.scalars(query))


def _measurement(row: Any) -> Measurement:
    return Measurement(row["epoch"], _floats(row["metrics"]), row["unix_time"], row["attempt"])


def _floats(metrics: Mapping[str, float | str]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items()}  # also "nan" and "inf"


def plain_metrics(metrics: Mapping[str, float]) -> dict[str, float | str]:
    """Returns metrics as JSON has them: it knows no NaN and no infinity, so those become text."""
    return {k: float(v) if math.isfinite(v) else str(float(v)) for k, v in metrics.items()}
