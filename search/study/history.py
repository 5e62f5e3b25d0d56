"""Adding to a search's history from outside of its driver, which alone writes all else."""

import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from search.study import tables


def add_event(engine: sa.Engine, search_id: str, kind: str, details: Mapping[str, Any]) -> None:
    """Adds an event. Needs no lease: an event changes nothing that a driver rests on."""
    insert = sa.insert(tables.event).values(
        search_id=search_id, unix_time=time.time(), kind=kind, details=dict(details)
    )
    with engine.begin() as connection:
        connection.execute(insert)
