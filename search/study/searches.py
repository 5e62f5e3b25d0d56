"""Making a search."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from search.config import StudyConfig
from search.errors import SearchError
from search.study import tables
from search.study.reader import list_names


def new_search_id() -> str:
    """Returns an identifier that no other search has."""
    return secrets.token_hex(8)


def create_search(
    engine: sa.Engine,
    config: StudyConfig,
    identity: Mapping[str, Any],
    search_id: str | None = None,
    num_known: int = 0,
    history: tuple[str, Mapping[str, Any]] | None = None,
) -> None:
    """Records a new search with its lease, held by nobody.

    Args:
        engine: From `open_database`.
        config: The study file.
        identity: What every later resume must match.
        search_id: From `new_search_id`.
        num_known: With how many trials of another search its Optuna study begins.
        history: Kind and details of its first event.

    Raises:
        SearchError: If there is a search of that name.
    """
    search_id = search_id or new_search_id()
    try:
        with engine.begin() as connection:
            connection.execute(
                sa.insert(tables.search).values(
                    id=search_id,
                    name=config.name,
                    config=config.model_dump(mode="json"),
                    identity=dict(identity),
                    created_at=time.time(),
                    num_known=num_known,
                )
            )
            connection.execute(
                sa.insert(tables.lease).values(
                    search_id=search_id, token=0, expires_at=0.0, active_seconds=0.0
                )
            )
            if history is not None:
                connection.execute(
                    sa.insert(tables.event).values(
                        search_id=search_id,
                        unix_time=time.time(),
                        kind=history[0],
                        details=dict(history[1]),
                    )
                )
    except sa.exc.IntegrityError as error:
        if config.name not in list_names(engine):
            raise
        raise SearchError(
            f"There is a search `{config.name}` already. `vaesearch resume {config.name}` goes on "
            "with it; `--name` starts another one."
        ) from error
