"""MLflow's tables in a database server, without an MLflow server before it."""

from typing import Any, Final

import sqlalchemy as sa

from search.errors import TrackerError
from search.tracking.failures import explained, without_password

_DATABASES: Final = ("postgresql", "mysql", "mssql")
_CONNECT_SECONDS: Final = 10


def check_database(uri: str) -> None:
    """Checks that the database behind an MLflow URI can be opened; other URIs pass.

    Raises:
        TrackerError: If it cannot. MLflow would find out in 100 seconds, or not in words.
    """
    if not uri.startswith(_DATABASES):
        return
    try:
        url = sa.engine.make_url(uri)
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=_arguments(url))
        engine.connect().close()
    except (sa.exc.SQLAlchemyError, ImportError, ValueError) as error:  # a port that is no number
        cause = getattr(error, "orig", None) or error
        raise TrackerError(
            f"Cannot open MLflow's database {without_password(uri)}: "
            f"{explained(cause).rstrip('.')}.{_remedy(cause, uri)}"
        ) from error


def _arguments(url: sa.URL) -> dict[str, Any]:
    """Returns what keeps a network that swallows packets from holding a command up."""
    takes_timeout = url.get_driver_name() in ("psycopg", "psycopg2")
    is_bounded = not takes_timeout or "connect_timeout" in url.query
    return {} if is_bounded else {"connect_timeout": _CONNECT_SECONDS}


def _remedy(cause: BaseException, uri: str) -> str:
    if isinstance(cause, ImportError):
        return " Install its driver; the extra `postgres` brings that of PostgreSQL."
    if uri.startswith("postgresql") and "password" in str(cause):
        return " PGPASSWORD holds the password, unless the address does."
    return ""
