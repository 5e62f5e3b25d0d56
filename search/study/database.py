"""Opening the study database: SQLite in a workspace, PostgreSQL where several machines write."""

import contextlib
from typing import Any

import sqlalchemy as sa

from search.errors import SearchError
from search.study.tables import SCHEMA_VERSION, metadata, schema

# How long a writer waits for another one. The driver is the only frequent writer.
SQLITE_TIMEOUT_SECONDS = 30


def open_database(url: str) -> sa.Engine:
    """Returns an engine on the study database, with our tables in it.

    Raises:
        SearchError: If the database cannot be opened, or was written by a newer vaesearch.
    """
    try:
        engine = sa.create_engine(url, **engine_arguments(url))
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare_sqlite)
        _create_tables(engine)
        _check_version(engine)
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise SearchError(f"Cannot open the study database {_shown(url)}: {cause}.") from error
    return engine


def _create_tables(engine: sa.Engine) -> None:
    try:
        metadata.create_all(engine)
    except (sa.exc.OperationalError, sa.exc.ProgrammingError, sa.exc.IntegrityError):
        # Another process made them between the look and the creation: then they are there now.
        metadata.create_all(engine)


def engine_arguments(url: str) -> dict[str, Any]:
    """Returns the arguments of `create_engine` for a database, ours and Optuna's alike."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": SQLITE_TIMEOUT_SECONDS}}
    # A network that swallows packets must not hold a driver for ever.
    limits = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_count": 3}
    return {"pool_pre_ping": True, "connect_args": limits}


def now(engine: sa.Engine) -> sa.ColumnElement[float]:
    """Returns the SQL expression for the database's own clock, in seconds since 1970."""
    if engine.dialect.name == "sqlite":
        return sa.literal_column("((julianday('now') - 2440587.5) * 86400.0)", sa.Float)
    return sa.literal_column("extract(epoch from clock_timestamp())::float", sa.Float)


def _shown(url: str) -> str:
    """Returns a URL without its password."""
    try:
        return sa.engine.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "(its address is no URL)"


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # A write-ahead log lets others read while the driver writes.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _check_version(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        found = connection.scalar(sa.select(sa.func.max(schema.c.version)))
        if found is None:
            connection.execute(sa.insert(schema).values(version=SCHEMA_VERSION))
        elif found > SCHEMA_VERSION:
            raise SearchError(
                f"The study database has format {found}; this vaesearch reads up to "
                f"{SCHEMA_VERSION}. Install a newer vaesearch."
            )
    if found is not None and found < SCHEMA_VERSION:
        _add_columns(engine)


def _add_columns(engine: sa.Engine) -> None:
    """Brings an older format to the current one: formats only ever gain tables and columns."""
    for table in metadata.sorted_tables:
        known = {column["name"] for column in sa.inspect(engine).get_columns(table.name)}
        for column in [c for c in table.columns if c.name not in known]:
            definition = sa.schema.CreateColumn(column).compile(dialect=engine.dialect)
            with (
                contextlib.suppress(sa.exc.OperationalError, sa.exc.ProgrammingError),
                engine.begin() as connection,  # suppressed: another process has added it just now
            ):
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}")
    with engine.begin() as connection:
        connection.execute(sa.update(schema).values(version=SCHEMA_VERSION))
