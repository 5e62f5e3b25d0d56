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


def create_search(engine: sa.Engine, config: StudyConfig, identity: Mapping[str, Any]) -> None:
    """Records a new search with its lease, held by nobody.

    Args:
        engine: From `open_database`.
        config: The study file.
        identity: What every later resume must match.

    Raises:
        SearchError: If there is a search of that name.
    """
    search_id = secrets.token_hex(8)
    try:
        with engine.begin() as connection:
            connection.execute(
                sa.insert(tables.search).values(
                    id=search_id,
                    name=config.name,
                    config=config.model_dump(mode="json"),
                    identity=dict(identity),
                    created_at=time.time(),
                )
            )
            connection.execute(
                sa.insert(tables.lease).values(
                    search_id=search_id, token=0, expires_at=0.0, active_seconds=0.0
                )
            )
    except sa.exc.IntegrityError as error:
        if config.name not in list_names(engine):
            raise
        raise SearchError(
            f"There is a search `{config.name}` already. `vaesearch resume {config.name}` goes on "
            "with it; `--name` starts another one."
        ) from error
