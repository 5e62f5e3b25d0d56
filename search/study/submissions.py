"""What should run on a cluster: recorded in the study, so that it outlives the cluster's head."""

import dataclasses
import enum
import secrets
import time
from collections.abc import Mapping
from typing import Any, final

import sqlalchemy as sa

from search.study import tables

_table = tables.submission


class WorkKind(enum.StrEnum):
    """What a submission asks for. Values are part of stored studies."""

    SEARCH = "search"  # run the search to its end
    CONFIRMATION = "confirmation"  # train its front again


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Submission:
    """What should run on a cluster, or should have.

    Attributes:
        name: Of the search, which need not exist yet.
        study: The study file of a search that does not exist yet, as plain values.
        options: Of a search: what to change before it goes on; of a confirmation: its wish.
        owner: Who submitted it.
        is_wanted: Whether it should run.
        round: How often it was asked for: what a job says of an earlier round changes nothing.
        num_jobs: How many jobs were started for it.
        job_id: The last job's identifier in Ray, None if none was started.
        num_failures: How many of the last ones ended soon after their start.
        started_at: When the last job was started, in seconds since 1970; 0 if none was.
        message: Why it ended; None while it is wanted.
    """

    name: str
    kind: WorkKind
    study: Mapping[str, Any] | None
    options: Mapping[str, Any]
    owner: str
    is_wanted: bool
    round: int
    num_jobs: int
    job_id: str | None
    num_failures: int
    started_at: float
    message: str | None


def read_submission(engine: sa.Engine, name: str) -> Submission | None:
    """Returns what was submitted under a name, None if nothing was."""
    found = _read(engine, _table.c.name == name)
    return found[0] if found else None


def list_submissions(engine: sa.Engine, only_wanted: bool = False) -> list[Submission]:
    """Returns what was submitted, sorted by name."""
    return _read(engine, _table.c.is_wanted.is_(True) if only_wanted else sa.true())


def want(
    engine: sa.Engine,
    name: str,
    kind: WorkKind,
    owner: str,
    study: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> bool:
    """Records that something should run; returns False, changing nothing, if it should already."""
    values = {
        "kind": kind.value,
        "study": None if study is None else dict(study),
        "options": dict(options or {}),
        "owner": owner,
        "is_wanted": True,
        "num_failures": 0,
        "message": None,
    }
    again = sa.update(_table).where(_table.c.name == name, _table.c.is_wanted.is_(False))
    with engine.begin() as connection:
        later = again.values(**values, round=_table.c.round + 1)
        if connection.execute(later).rowcount == 1:
            return True
    first = sa.insert(_table).values(name=name, round=1, num_jobs=0, started_at=0.0, **values)
    try:
        with engine.begin() as connection:
            connection.execute(first)
    except sa.exc.IntegrityError:
        return False
    return True


def unwant(engine: sa.Engine, name: str, message: str, only_round: int | None = None) -> bool:
    """Records that something should not run any more, and why.

    Args:
        engine: From `open_database`.
        name: Of the submission.
        message: How it ended.
        only_round: That of the job that says so; None if a person does, of whatever round.

    Returns:
        Whether it should have run.
    """
    wanted = _of_round(name, only_round).where(_table.c.is_wanted.is_(True))
    with engine.begin() as connection:
        return connection.execute(wanted.values(is_wanted=False, message=message)).rowcount == 1


def is_wanted(engine: sa.Engine, item: Submission) -> bool:
    """Returns whether a submission should still run, in the round in which it was read."""
    now = read_submission(engine, item.name)
    return now is not None and now.is_wanted and now.round == item.round


def options_done(engine: sa.Engine, item: Submission) -> None:
    """Records that what was to be changed before a search goes on is changed."""
    with engine.begin() as connection:
        connection.execute(_of_round(item.name, item.round).values(options={}))


def note_failure(engine: sa.Engine, item: Submission, message: str) -> None:
    """Keeps why the last job ended, for those who look; it stays wanted."""
    with engine.begin() as connection:
        connection.execute(_of_round(item.name, item.round).values(message=message))


def _of_round(name: str, only_round: int | None) -> sa.Update:
    update = sa.update(_table).where(_table.c.name == name)
    return update if only_round is None else update.where(_table.c.round == only_round)


def claim_job(engine: sa.Engine, item: Submission, num_failures: int) -> Submission | None:
    """Claims the next job of a submission, for this process alone to start.

    Args:
        engine: From `open_database`.
        item: As it was read.
        num_failures: What to record as the number of early ends in a row.

    Returns:
        The submission with the new job; None if another process was faster, or it is not wanted.
    """
    started = time.time()
    mine = sa.update(_table).where(
        _table.c.name == item.name,
        _table.c.num_jobs == item.num_jobs,
        _table.c.round == item.round,
        _table.c.is_wanted.is_(True),
    )
    values: dict[str, Any] = {
        "num_jobs": item.num_jobs + 1,
        "num_failures": num_failures,
        "started_at": started,
        "job_id": f"{item.name}-{item.num_jobs + 1}-{secrets.token_hex(3)}",
    }
    with engine.begin() as connection:
        if connection.execute(mine.values(**values)).rowcount != 1:
            return None
    return dataclasses.replace(item, **values)


def _read(engine: sa.Engine, condition: sa.ColumnElement[bool]) -> list[Submission]:
    with engine.connect() as connection:
        query = sa.select(_table).where(condition).order_by(_table.c.name)
        rows = connection.execute(query).mappings().all()
    return [Submission(**{**row, "kind": WorkKind(row["kind"])}) for row in rows]
