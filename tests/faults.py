"""What goes wrong in the field, as classes: crashes, outages, lost leases, workers that die."""

import contextlib
import dataclasses
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from search.assignment import Assignment, Round
from search.executor.desk import Desk
from search.study import tables
from search.study.lease import Lease
from search.trial import Measurement


class Crash(Exception):
    """The process ends here; no code of ours expects it."""


class CommitCounter:
    """Counts the commits of engines, and crashes in place of one of them.

    Args:
        crash_at: Which commit never happens, from 1; None for no crash.
    """

    def __init__(self, crash_at: int | None = None):
        self.crash_at = crash_at
        self.count = 0

    def watch(self, engine: sa.Engine) -> None:
        sa.event.listen(engine, "commit", self._on_commit)

    def _on_commit(self, _: sa.Connection) -> None:
        self.count += 1
        if self.crash_at is not None and self.count >= self.crash_at:
            raise Crash


@contextlib.contextmanager
def outage(*engines: sa.Engine, after: int = 0, length: int | None = None) -> Iterator[None]:
    """Makes transactions fail as an unreachable database does.

    Args:
        *engines: Whose.
        after: How many transactions still work.
        length: How many then fail; None for all of them.
    """
    seen = 0

    def fail(_: sa.Connection) -> None:
        nonlocal seen
        seen += 1
        if seen > after and (length is None or seen <= after + length):
            raise sa.exc.OperationalError("BEGIN", {}, OSError("connection refused"))

    for engine in engines:
        sa.event.listen(engine, "begin", fail)
    try:
        yield
    finally:
        for engine in engines:
            sa.event.remove(engine, "begin", fail)


@contextlib.contextmanager
def lost_answer(engine: sa.Engine, after: int) -> Iterator[None]:
    """Makes a commit fail after it was carried out, as where a server's answer is lost.

    Args:
        engine: Whose.
        after: How many commits are answered before.
    """
    seen, commit = 0, engine.dialect.do_commit

    def do_commit(connection: Any) -> None:
        nonlocal seen
        commit(connection)
        seen += 1
        if seen == after + 1:
            raise sqlite3.OperationalError("connection lost")

    engine.dialect.do_commit = do_commit
    try:
        yield
    finally:
        engine.dialect.do_commit = commit


def abandon(lease: Lease) -> None:
    """Ends a lease's thread as the death of its process would; the lease itself stays."""
    lease._ended.set()
    lease._thread.join()


def expire(engine: sa.Engine, search_id: str) -> None:
    """Makes a lease run out, as time would."""
    update = sa.update(tables.lease).where(tables.lease.c.search_id == search_id)
    with engine.begin() as connection:
        connection.execute(update.values(expires_at=1.0))


@dataclasses.dataclass
class FakeWorkers:
    """Trains nothing and reports as a worker does: it keeps first, and reports second.

    Args:
        epochs: Of a whole trial.
        metrics: (params, epoch) -> what is measured.
        kept: Trial -> what its newest checkpoint holds; outlives a crash of the driver.
    """

    epochs: int
    metrics: Callable[[Any, int], dict[str, float]]
    kept: dict[int, list[Measurement]] = dataclasses.field(default_factory=dict)

    def rounds(self, assignment: Assignment) -> Iterator[Round]:
        """Yields what a worker says of an assignment, to the trial's end."""
        done = list(self.kept.get(assignment.trial, []))
        known = 0  # the first round repeats what earlier attempts measured
        while len(done) < self.epochs:
            epoch = len(done) + 1
            metrics = self.metrics(assignment.params, epoch)
            done.append(Measurement(epoch, metrics, 1.0 * epoch, assignment.attempt))
            self.kept[assignment.trial] = list(done)
            is_last = epoch == self.epochs
            yield Round(done[known:], "complete" if is_last else None)
            known = len(done)
        if known == 0:
            yield Round(done, "complete")

    def serve(self, desk: Desk, num_workers: int = 2) -> None:
        """Runs assignments, one epoch of each in turn, until the desk has nothing more."""
        live: dict[str, Iterator[Round]] = {}
        names = itertools.count()
        while not desk.is_done:
            while len(live) < num_workers:
                worker = f"worker-{next(names)}"
                assignment = desk.hand_out(worker)
                if assignment is None:
                    break
                live[worker] = self.rounds(assignment)
            if not live:
                time.sleep(0.001)  # the next trial is being proposed
            for worker, rounds in list(live.items()):
                report = next(rounds)
                desk.hear(worker, report)
                if report.outcome is not None:
                    del live[worker]
