"""Code of users, by its hash: every machine that reaches the study gets it from there."""

import time
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from search.errors import NotFoundError
from search.models.own_code import Archive
from search.study import tables

_table = tables.own_code
# What nobody names yet may belong to a search that is about to be made.
_FRESH_SECONDS: Final = 24 * 3600.0


def keep_code(engine: sa.Engine, archive: Archive) -> None:
    """Keeps an archive, unless it is there."""
    values = {"hash": archive.hash, "content": archive.content, "created_at": time.time()}
    try:
        with engine.begin() as connection:
            connection.execute(sa.insert(_table).values(**values))
    except sa.exc.IntegrityError:  # another search has the same; it stays while this one is made
        update = sa.update(_table).where(_table.c.hash == archive.hash)
        with engine.begin() as connection:
            connection.execute(update.values(created_at=values["created_at"]))


def is_kept(engine: sa.Engine, code_hash: str) -> bool:
    """Returns whether there is code of a hash."""
    query = sa.select(sa.func.count()).select_from(_table).where(_table.c.hash == code_hash)
    with engine.connect() as connection:
        return bool(connection.scalar(query))


def kept_code(engine: sa.Engine, code_hash: str) -> Archive:
    """Returns an archive by its hash.

    Raises:
        NotFoundError: If the study keeps none of that hash.
    """
    query = sa.select(_table.c.content).where(_table.c.hash == code_hash)
    with engine.connect() as connection:
        content = connection.scalar(query)
    if content is None:
        raise NotFoundError(f"The study database does not keep the code {code_hash[:12]}.")
    return Archive(code_hash, bytes(content))


def drop_unused_code(connection: sa.Connection) -> None:
    """Removes code that no search and no submission names."""
    configs = connection.scalars(sa.select(tables.search.c.config)).all()
    submitted = connection.execute(
        sa.select(tables.submission.c.study, tables.submission.c.options)
    ).all()
    named = {_hash(values) for values in [*configs, *(value for row in submitted for value in row)]}
    old = _table.c.created_at < time.time() - _FRESH_SECONDS
    connection.execute(sa.delete(_table).where(_table.c.hash.not_in(named - {None}), old))


def _hash(values: Mapping[str, Any] | None) -> str | None:
    """Returns the hash of the code that a study, or the options of a submission, name."""
    code = (values or {}).get("code")
    return code.get("hash") if isinstance(code, Mapping) else None
