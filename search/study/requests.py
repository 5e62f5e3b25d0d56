"""What people ask of a search, from any process that reaches the study, also while it runs."""

import dataclasses
import enum
import time
from collections.abc import Mapping, Sequence
from typing import Any, final

import sqlalchemy as sa

from search.study import tables
from search.trial import Params


class Kind(enum.StrEnum):
    """What can be asked for. Values are part of stored searches."""

    STOP = "stop"  # the search: save and end
    STOP_TRIAL = "stop trial"  # {"trial": number}
    ENQUEUE = "enqueue"  # {"params": ..., "origin": ...}: a point to try next
    RETRY = "retry"  # the same, on top of the budget


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """Something asked for and not done yet."""

    id: int
    kind: Kind
    payload: Mapping[str, Any]


_POINTS = (Kind.ENQUEUE, Kind.RETRY)


def post(
    engine: sa.Engine, search_id: str, kind: Kind, payload: Mapping[str, Any] | None = None
) -> int:
    """Asks something of a search; returns the request's number."""
    insert = sa.insert(tables.request).values(
        search_id=search_id, kind=kind.value, payload=payload, created_at=time.time()
    )
    with engine.begin() as connection:
        result = connection.execute(insert)
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def post_point(
    engine: sa.Engine, search_id: str, params: Params, retries: int | None = None
) -> None:
    """Asks for a point to be tried next: a retry of a trial, or one that a person chose."""
    if retries is None:
        payload: dict[str, Any] = {"params": params, "origin": {"enqueued": True}}
        post(engine, search_id, Kind.ENQUEUE, payload)
    else:
        post(engine, search_id, Kind.RETRY, {"params": params, "origin": {"retries": retries}})


def open_requests(engine: sa.Engine, search_id: str, *kinds: Kind) -> list[Request]:
    """Returns what was asked for and not done yet, oldest first; of some kinds, or of all."""
    table = tables.request
    query = (
        sa.select(table)
        .where(table.c.search_id == search_id, table.c.handled_at.is_(None))
        .order_by(table.c.id)
    )
    if kinds:
        query = query.where(table.c.kind.in_([kind.value for kind in kinds]))
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    return [Request(row.id, Kind(row.kind), row.payload or {}) for row in rows]


def next_point(engine: sa.Engine, search_id: str) -> Request | None:
    """Returns the point that was asked for first and has not become a trial yet.

    Retries come before all others: they have places of their own beside the budget's.
    """
    found = open_requests(engine, search_id, *_POINTS)
    return min(found, key=lambda item: (item.kind is not Kind.RETRY, item.id), default=None)


def handled(*requests: Request) -> sa.Update:
    """Returns the statement that marks requests as done, for a transaction of the driver's."""
    table = tables.request
    ids = [request.id for request in requests]
    return sa.update(table).where(table.c.id.in_(ids)).values(handled_at=time.time())


def mark_handled(engine: sa.Engine, requests: Sequence[Request]) -> None:
    """Marks requests as done."""
    if requests:
        with engine.begin() as connection:
            connection.execute(handled(*requests))


def withdraw_stop_requests(engine: sa.Engine, requests: Sequence[Request]) -> None:
    """Marks requests to stop as done, so that one meant for an ended driver stops no later one.

    Args:
        engine: Of the driver, whose commits its lease fences.
        requests: Those that were open before the driver took its lease: later ones are meant for
            it.
    """
    mark_handled(engine, [request for request in requests if request.kind is Kind.STOP])


def take_stop_request(engine: sa.Engine, search_id: str) -> bool:
    """Returns whether someone asked the search to stop, and marks the request as done.

    Args:
        engine: Of the driver, whose commits its lease fences.
        search_id: The search.
    """
    found = open_requests(engine, search_id, Kind.STOP)
    mark_handled(engine, found)
    return bool(found)


def num_retries(engine: sa.Engine, search_id: str) -> int:
    """Returns how many retries were ever asked for."""
    table = tables.request
    query = sa.select(sa.func.count()).where(
        table.c.search_id == search_id, table.c.kind == Kind.RETRY.value
    )
    with engine.connect() as connection:
        return int(connection.scalar(query) or 0)
