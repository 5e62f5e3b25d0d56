"""How far MLflow has been told of a search. Written by the search's driver: commits are fenced."""

import dataclasses
from collections.abc import Iterable
from typing import Final, final

import sqlalchemy as sa

from search.study import tables

SEARCH_ITSELF: Final = -1  # in place of a trial's number


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What MLflow knows of one trial, or of the search itself.

    Attributes:
        run_id: MLflow's name for it.
        sequence: Of the last measurement told; of the search, how many finished trials are told.
        state: The last state told.
    """

    run_id: str
    sequence: int
    state: str


@final
class Projections:
    """The rows of one search.

    Args:
        engine: Fenced by the driver's lease.
        search_id: The search.
    """

    def __init__(self, engine: sa.Engine, search_id: str):
        self._engine = engine
        self._id = search_id

    def check_fence(self) -> None:
        """Checks that this driver still holds its search, before it writes anything elsewhere.

        Raises:
            LeaseLostError: If another driver took the search over.
        """
        with self._engine.begin():
            pass  # the commit itself is what the lease checks

    def read(self) -> dict[int, Told]:
        """Returns everything told, by trial."""
        table = tables.projection
        query = sa.select(table).where(table.c.search_id == self._id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {row.trial: Told(row.run_id, row.sequence, row.state) for row in rows}

    def remember(self, trial: int, told: Told) -> None:
        """Stores what has been told of a trial."""
        table = tables.projection
        values = dataclasses.asdict(told)
        update = sa.update(table).where(table.c.search_id == self._id, table.c.trial == trial)
        with self._engine.begin() as connection:
            if connection.execute(update.values(**values)).rowcount == 0:
                key = {"search_id": self._id, "trial": trial}
                connection.execute(sa.insert(table).values(**key, **values))

    def forget(self, trials: Iterable[int]) -> None:
        """Forgets trials that MLflow no longer knows, so that they are told from the beginning."""
        table = tables.projection
        rows = sa.and_(table.c.search_id == self._id, table.c.trial.in_(list(trials)))
        with self._engine.begin() as connection:
            connection.execute(sa.delete(table).where(rows))

    def untold(self, after: int = 0) -> dict[int, tuple[int, int]]:
        """Returns the number and the last sequence of measurements not told yet, by trial.

        Args:
            after: Everything up to this sequence is known to be told.
        """
        measured, told = tables.measurement, tables.projection
        query = (
            sa.select(
                measured.c.trial,
                sa.func.count().label("number"),
                sa.func.max(measured.c.sequence).label("last"),
            )
            .outerjoin(
                told,
                sa.and_(told.c.search_id == measured.c.search_id, told.c.trial == measured.c.trial),
            )
            .where(
                measured.c.search_id == self._id,
                measured.c.sequence > after,
                measured.c.sequence > sa.func.coalesce(told.c.sequence, 0),
            )
            .group_by(measured.c.trial)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {row.trial: (row.number, row.last) for row in rows}
