"""Making a search."""

import getpass
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from search.config import StudyConfig
from search.errors import SearchError
from search.study import tables
from search.study.knowledge import KnownTrial, known_rows
from search.study.reader import StudyReader, list_names


def new_search_id() -> str:
    """Returns an identifier that no other search has."""
    return secrets.token_hex(8)


def this_user() -> str:
    """Returns the name of the user that this process belongs to."""
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):  # a container may run under a number that has no name
        return "unknown"


def check_same(engine: sa.Engine, config: StudyConfig) -> None:
    """Refuses a study file under the name of a search that is there and means something else.

    The study has the hash of its code.

    Raises:
        SearchError: If it differs in what a resume cannot change.
    """
    refuse_other(StudyReader(engine, config.name).record().config, config)


def refuse_other(old: StudyConfig, config: StudyConfig) -> None:
    """Refuses a study file that differs from one of that name in what a resume cannot change.

    Raises:
        SearchError: If it does.
    """
    fixed = ("space", "fixed", "objectives", "measure", "seed")
    differ = [key for key in fixed if getattr(old, key) != getattr(config, key)]
    # A path may be written in several ways; its images' hash is compared when the search goes on.
    is_path = "/" in old.dataset.name + config.dataset.name
    if not is_path and old.dataset.name != config.dataset.name:
        differ.append("dataset")
    if old.budget.epochs != config.budget.epochs:
        differ.append("budget.epochs")
    if (old.code and old.code.hash) != (config.code and config.code.hash):
        differ.append("code")
    if differ:
        raise SearchError(
            f"There is another search `{config.name}`, with other {', '.join(differ)}. "
            f"`vaesearch resume {config.name}` goes on with that one; `--name` makes a new one."
        )


def create_search(
    engine: sa.Engine,
    config: StudyConfig,
    identity: Mapping[str, Any],
    search_id: str | None = None,
    known: Sequence[KnownTrial] = (),
    history: tuple[str, Mapping[str, Any]] | None = None,
    owner: str | None = None,
) -> None:
    """Records a new search with its lease, held by nobody.

    Args:
        engine: From `open_database`.
        config: The study file.
        identity: What every later resume must match.
        search_id: From `new_search_id`.
        known: Trials of another search that its sampler knows from the beginning.
        history: Kind and details of its first event.
        owner: Whose search it is; by default, this process's user.

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
                    num_known=len(known),
                    owner=owner or this_user(),
                )
            )
            connection.execute(
                sa.insert(tables.lease).values(
                    search_id=search_id, token=0, expires_at=0.0, active_seconds=0.0
                )
            )
            if known:
                rows = known_rows(search_id, known)
                connection.execute(sa.insert(tables.known_trial), rows)
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
