"""Making a search's next trial: what people asked to try comes first, then the sampler."""

from collections.abc import Mapping
from typing import Any, final

import sqlalchemy as sa

from search.seeds import Purpose, derive_seed
from search.study import tables
from search.study.proposals import Proposals
from search.study.reader import SearchRecord
from search.study.requests import Request, handled, next_point
from search.trial import Trial


@final
class NewTrials:
    """Makes trials, one after another. May be used by a thread of its own.

    Args:
        engine: Of the driver, fenced by its lease.
        record: The search.
        proposals: Its Optuna study.
    """

    def __init__(self, engine: sa.Engine, record: SearchRecord, proposals: Proposals):
        self._engine = engine
        self._record = record
        self._proposals = proposals

    def count(self) -> int:
        """Returns how many trials are recorded."""
        query = sa.select(sa.func.max(tables.trial.c.number)).where(
            tables.trial.c.search_id == self._record.id
        )
        with self._engine.connect() as connection:
            last = connection.scalar(query)
        return 0 if last is None else int(last) + 1

    def make(self) -> Trial:
        """Asks for a new trial and records it as waiting."""
        number = self.count()
        request = next_point(self._engine, self._record.id)
        point = request.payload["params"] if request else None
        params = self._proposals.ask(number, point)
        if point is not None and any(params.get(name) != value for name, value in point.items()):
            request = None  # a crash has left a trial half made, which comes before the request
        seed = derive_seed(
            self._record.config.seed, Purpose.TRAINING, number + self._record.num_known
        )
        origin = request.payload["origin"] if request else None
        trial = Trial(number, params, seed=seed, origin=origin)
        self._record_trial(trial, request)
        return trial

    def _record_trial(self, trial: Trial, request: Request | None) -> None:
        values: Mapping[str, Any] = {
            "search_id": self._record.id,
            "number": trial.number,
            "params": dict(trial.params),
            "seed": trial.seed,
            "state": trial.state.value,
            "origin": trial.origin,
            "proposal": self._proposals.notes(trial.number),
        }
        with self._engine.begin() as connection:
            connection.execute(sa.insert(tables.trial).values(**values))
            if request is not None:
                connection.execute(handled(request))
