"""The confirmation table: what the front scored when it was trained again with fresh seeds."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any, final

import sqlalchemy as sa

from search.study import tables
from search.study.reader import StudyReader, plain_metrics


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Confirmation:
    """What one repeat of a trial's training scored after one epoch, on the test images.

    Attributes:
        trial: The trial's number.
        repeat: Of its training, from 1.
        epoch: After which epoch.
        metrics: NaN for the objectives of a training that failed before.
        unix_time: When it was measured, in seconds since 1970 (UTC).
    """

    trial: int
    repeat: int
    epoch: int
    metrics: Mapping[str, float]
    unix_time: float

    @property
    def key(self) -> tuple[int, int, int]:
        """(trial, repeat, epoch): recorded once."""
        return self.trial, self.repeat, self.epoch


def read_confirmations(reader: StudyReader) -> list[Confirmation]:
    """Returns all that was recorded of a search, by trial, repeat and epoch."""
    table = tables.confirmation
    query = sa.select(table).where(table.c.search_id == reader.id)
    with reader.engine.connect() as connection:
        rows = connection.execute(query.order_by(table.c.trial, table.c.repeat, table.c.epoch))
        return [
            Confirmation(row.trial, row.repeat, row.epoch, _floats(row.metrics), row.unix_time)
            for row in rows
        ]


def write_confirmations(
    reader: StudyReader,
    rows: Sequence[Confirmation],
    event: tuple[str, Mapping[str, Any]] | None = None,
) -> int:
    """Records figures, and an event with them; those that are known stay as they are.

    Args:
        reader: The search, by an engine that its driver's lease fences.
        rows: What was measured.
        event: Kind and details for the search's history, if a row is new.

    Returns:
        How many rows were new.
    """
    table = tables.confirmation
    query = sa.select(table.c.trial, table.c.repeat, table.c.epoch)
    with reader.engine.begin() as connection:
        known = {tuple(r) for r in connection.execute(query.where(table.c.search_id == reader.id))}
        new = [
            {**dataclasses.asdict(row), "metrics": plain_metrics(row.metrics)}
            for row in rows
            if row.key not in known
        ]
        if not new:
            return 0
        connection.execute(sa.insert(table), [{"search_id": reader.id, **row} for row in new])
        if event is not None:
            kind, details = event
            connection.execute(
                sa.insert(tables.event).values(
                    search_id=reader.id, unix_time=time.time(), kind=kind, details=dict(details)
                )
            )
    return len(new)


def _floats(metrics: Mapping[str, float | str]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items()}  # also "nan" and "inf"
