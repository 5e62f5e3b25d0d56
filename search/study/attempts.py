"""The attempt table: when each worker began with a trial and left it, and how."""

import dataclasses
from typing import Final, final

import sqlalchemy as sa

from search.study import tables
from search.study.reader import StudyReader

OUT_OF_MEMORY: Final = "out of memory"  # an outcome: the trial is tried once more, alone


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """One worker's time with a trial.

    Attributes:
        trial: The trial's number.
        number: Of the attempt, from 1.
        started_at: In seconds since 1970 (UTC).
        ended_at: When its end was recorded; None while it runs.
        outcome: A trial's final state, `interrupted`, `out of memory`, `lost` or `abandoned`; None
            while it runs. Of the last two nobody knows when they really ended.
    """

    trial: int
    number: int
    started_at: float
    ended_at: float | None
    outcome: str | None


def read_attempts(reader: StudyReader) -> list[Attempt]:
    """Returns all attempts of a search, by trial and number."""
    table = tables.attempt
    query = sa.select(table).where(table.c.search_id == reader.id)
    with reader.engine.connect() as connection:
        rows = connection.execute(query.order_by(table.c.trial, table.c.number))
        return [
            Attempt(row.trial, row.number, row.started_at, row.ended_at, row.outcome)
            for row in rows
        ]
