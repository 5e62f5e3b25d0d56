"""Telling an unreachable database from every other error, and waiting for it."""

import time
from collections.abc import Callable
from typing import TypeVar

import optuna
import sqlalchemy as sa

from search.errors import SearchError

Result = TypeVar("Result")


def is_outage(error: BaseException) -> bool:
    """Returns whether the database could not be reached or was locked: trying again may help."""
    cause = error.__cause__ if isinstance(error, optuna.exceptions.StorageInternalError) else error
    return isinstance(cause, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.TimeoutError)


def patiently(action: Callable[[], Result], seconds: float) -> Result:
    """Does something to the study, again while its database is away; the action may repeat.

    Args:
        action: What to do.
        seconds: How long an outage may last.

    Raises:
        SearchError: If it lasts longer.
    """
    deadline = time.monotonic() + seconds
    pause = 0.2
    while True:
        try:
            return action()
        except Exception as error:
            if not is_outage(error):
                raise
            if time.monotonic() > deadline:
                raise SearchError(
                    f"The study database does not answer: {error}. `vaesearch resume`, or "
                    "`confirm` again, goes on once it does."
                ) from error
            time.sleep(pause)
            pause = min(5.0, pause * 2)
