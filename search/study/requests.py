"""What people ask of a running search, from any process that reaches the study."""

import time

import sqlalchemy as sa

from search.study import tables


def request_stop(engine: sa.Engine, search_id: str) -> None:
    """Asks the driver of a search to save and end."""
    insert = sa.insert(tables.request).values(
        search_id=search_id, kind="stop", created_at=time.time()
    )
    with engine.begin() as connection:
        connection.execute(insert)


def withdraw_stop_requests(engine: sa.Engine, search_id: str) -> None:
    """Marks stop requests as handled, so that one meant for an ended driver stops no later one."""
    table = tables.request
    open_ones = sa.and_(table.c.search_id == search_id, table.c.handled_at.is_(None))
    with engine.begin() as connection:
        connection.execute(sa.update(table).where(open_ones).values(handled_at=time.time()))


def take_stop_request(engine: sa.Engine, search_id: str) -> bool:
    """Returns whether someone asked the search to stop, and marks the request as handled.

    Args:
        engine: Of the driver, whose commits its lease fences.
        search_id: The search.
    """
    table = tables.request
    open_ones = sa.and_(table.c.search_id == search_id, table.c.handled_at.is_(None))
    with engine.connect() as connection:
        if connection.scalar(sa.select(table.c.id).where(open_ones).limit(1)) is None:
            return False
    with engine.begin() as connection:
        connection.execute(sa.update(table).where(open_ones).values(handled_at=time.time()))
    return True
