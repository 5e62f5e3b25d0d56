"""Telling an unreachable database from every other error."""

import optuna
import sqlalchemy as sa


def is_outage(error: BaseException) -> bool:
    """Returns whether the database could not be reached or was locked: trying again may help."""
    cause = error.__cause__ if isinstance(error, optuna.exceptions.StorageInternalError) else error
    return isinstance(cause, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.TimeoutError)
