"""Removing a search from the study database: all of its rows at once, after the Optuna studies that
older formats kept of it."""

import re

import optuna
import sqlalchemy as sa

from search.errors import LeaseLostError
from search.study import tables
from search.study.database import engine_arguments, open_database
from search.study.lease import Lease
from search.study.old_proposals import has_old_tables
from search.study.own_code import drop_unused_code


def remove_search(url: str, search_id: str, lease: Lease) -> None:
    """Removes a search. What a crash leaves can be removed by the same call.

    Args:
        url: SQLAlchemy URL of the study database.
        search_id: The search.
        lease: Held on it; gone with it.

    Raises:
        LeaseLostError: If another driver took the search over. Its rows are still there.
    """
    engine = open_database(url)  # one of its own: the lease would refuse to be deleted
    try:
        if has_old_tables(engine):
            _remove_old_proposals(url, search_id, lease)
        _remove_rows(engine, search_id, lease.token)
    finally:
        engine.dispose()


def _remove_old_proposals(url: str, search_id: str, lease: Lease) -> None:
    """Removes its Optuna studies, one for every state that the space had."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(url, engine_kwargs=engine_arguments(url))
    lease.fence(storage.engine)
    try:
        for name in optuna.get_all_study_names(storage):
            if re.fullmatch(rf"vaesearch-{re.escape(search_id)}(-\d+)?", name):
                optuna.delete_study(study_name=name, storage=storage)
    finally:
        storage.engine.dispose()


def _remove_rows(engine: sa.Engine, search_id: str, token: int) -> None:
    held = sa.delete(tables.lease).where(
        tables.lease.c.search_id == search_id, tables.lease.c.token == token
    )
    with engine.begin() as connection:
        if connection.execute(held).rowcount != 1:
            raise LeaseLostError("Another driver took this search over; it was not removed.")
        for table in reversed(tables.metadata.sorted_tables):  # who refers to others comes first
            if "search_id" in table.c:
                connection.execute(sa.delete(table).where(table.c.search_id == search_id))
        query = sa.select(tables.search.c.name).where(tables.search.c.id == search_id)
        name = connection.scalar(query)
        connection.execute(sa.delete(tables.submission).where(tables.submission.c.name == name))
        connection.execute(sa.delete(tables.search).where(tables.search.c.id == search_id))
        drop_unused_code(connection)
