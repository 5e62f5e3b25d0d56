"""One driver writes: a lease with a fencing token, on the database's clock.

The lease is one row. Whoever takes it raises its token; every commit of a driver checks, in the
same transaction, that the token is still the driver's own. A driver that slept past its lease and
was taken over can therefore write nothing more, whatever it still believes.
"""

import dataclasses
import os
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import psutil
import sqlalchemy as sa

from search.errors import LeaseHeldError, LeaseLostError
from search.study import tables
from search.study.database import now

LEASE_SECONDS = float(os.environ.get("VAESEARCH_LEASE_SECONDS", "20"))


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lease. `started` tells it from a later one of the same pid.

    Attributes:
        started: When it started, in a unit of the machine's own that no change of its clock moves.
    """

    host: str
    boot_id: str
    pid: int
    started: float
    user: str

    @classmethod
    def this_process(cls) -> "Holder":
        """Returns this process."""
        process = psutil.Process()
        return cls(
            socket.gethostname(), _boot_id(), process.pid, _started(process), process.username()
        )

    def is_dead(self) -> bool:
        """Returns whether the process is known to be gone; False where that cannot be known."""
        if self.boot_id != _boot_id():
            return False
        try:
            process = psutil.Process(self.pid)
            is_another = _started(process) != self.started
            return is_another or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def __str__(self) -> str:
        return f"process {self.pid} of {self.user} on {self.host}"


@final
class Lease:
    """A held lease on one search. Renews itself until released; made by `Lease.take`.

    Attributes:
        search_id: The search.
        token: Grows with every driver.
        lost: Set once another driver has taken the search over.
    """

    def __init__(self, engine: sa.Engine, search_id: str, token: int, seconds: float):
        self._engine = engine
        self.search_id = search_id
        self._seconds = seconds
        self._ended = threading.Event()
        self.token = token
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._keep_renewing, daemon=True, name="lease")

    @classmethod
    def take(cls, engine: sa.Engine, search_id: str, seconds: float = LEASE_SECONDS) -> "Lease":
        """Takes the lease, fences every further commit of `engine`, and starts renewing.

        Raises:
            LeaseHeldError: If another living driver holds it; the message names it.
        """
        row = _read(engine, search_id)
        dead = row.holder is not None and Holder(**row.holder).is_dead()
        clock = now(engine)
        free = sa.or_(tables.lease.c.expires_at <= clock, sa.literal(dead))
        taken = (
            sa.update(tables.lease)
            .where(tables.lease.c.search_id == search_id, tables.lease.c.token == row.token, free)
            .values(
                token=row.token + 1,
                claim=None,
                holder=dataclasses.asdict(Holder.this_process()),
                expires_at=clock + seconds,
            )
        )
        with engine.begin() as connection:
            if connection.execute(taken).rowcount != 1:
                raise LeaseHeldError(_held_message(engine, search_id))
        lease = cls(engine, search_id, row.token + 1, seconds)
        lease.fence(engine)
        lease._thread.start()
        return lease

    def fence(self, engine: sa.Engine) -> None:
        """Makes every commit on `engine` fail with `LeaseLostError` once the lease is not ours."""
        sa.event.listen(engine, "commit", self._check)

    def release(self) -> None:
        """Ends the lease at once, so that the next driver need not wait for its expiry."""
        self._ended.set()
        self._thread.join()
        if self.lost.is_set():
            return
        ours = sa.update(tables.lease).where(
            tables.lease.c.search_id == self.search_id, tables.lease.c.token == self.token
        )
        with self._engine.begin() as connection:
            connection.execute(ours.values(expires_at=0.0, holder=None, claim=None))

    def exchange_claims(self, claim: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """Records what this driver wants of a cluster, and returns what all others want.

        Args:
            claim: Plain values, see `search.shares.Claim`.

        Returns:
            The claims of the other living drivers, by search.

        Raises:
            LeaseLostError: If the lease is not ours any more.
        """
        table = tables.lease
        ours = sa.update(table).where(
            table.c.search_id == self.search_id, table.c.token == self.token
        )
        with self._engine.begin() as connection:
            connection.execute(ours.values(claim=dict(claim)))
            living = sa.and_(
                table.c.expires_at > now(self._engine), table.c.search_id != self.search_id
            )
            rows = connection.execute(sa.select(table.c.search_id, table.c.claim).where(living))
            return {row.search_id: row.claim for row in rows if row.claim is not None}

    def _check(self, connection: sa.Connection) -> None:
        query = sa.select(tables.lease.c.token).where(tables.lease.c.search_id == self.search_id)
        if connection.dialect.name != "sqlite":  # on SQLite the writer already holds the only lock
            query = query.with_for_update(read=True)
        if connection.scalar(query) != self.token:
            self.lost.set()
            raise LeaseLostError(
                "Another driver took this search over while this one was stopped or cut off; "
                "this one ends. `vaesearch status` shows the search as it goes on."
            )

    def _keep_renewing(self) -> None:
        interval = self._seconds / 4
        while not self._ended.wait(interval):
            try:
                self._renew(interval)
            except LeaseLostError:
                return
            except sa.exc.SQLAlchemyError:
                continue  # an outage; if it outlasts the lease, the fence decides

    def _renew(self, interval: float) -> None:
        ours = sa.update(tables.lease).where(
            tables.lease.c.search_id == self.search_id, tables.lease.c.token == self.token
        )
        renewed = ours.values(
            expires_at=now(self._engine) + self._seconds,
            active_seconds=tables.lease.c.active_seconds + interval,
        )
        with self._engine.begin() as connection:
            connection.execute(renewed)


def current_holder(engine: sa.Engine, search_id: str) -> Holder | None:
    """Returns the living driver of a search, or None."""
    row = _read(engine, search_id)
    if row.holder is None or row.expires_at <= row.clock:
        return None
    holder = Holder(**row.holder)
    return None if holder.is_dead() else holder


def active_seconds(engine: sa.Engine, search_id: str) -> float:
    """Returns for how long the search has had a driver, over all its sessions."""
    return float(_read(engine, search_id).active_seconds)


def _read(engine: sa.Engine, search_id: str) -> Any:
    columns = [*tables.lease.c, now(engine).label("clock")]
    with engine.connect() as connection:
        query = sa.select(*columns).where(tables.lease.c.search_id == search_id)
        return connection.execute(query).one()


def _held_message(engine: sa.Engine, search_id: str) -> str:
    row = _read(engine, search_id)
    holder = Holder(**row.holder) if row.holder else "another driver"
    left = max(0.0, row.expires_at - row.clock)
    name = _name(engine, search_id)
    return (
        f"This search is run by {holder}, whose lease has {left:.0f} s left and renews itself. "
        f"`vaesearch stop {name}` ends it; if that process is gone, try again when the lease has "
        "run out."
    )


def _name(engine: sa.Engine, search_id: str) -> str:
    query = sa.select(tables.search.c.name).where(tables.search.c.id == search_id)
    with engine.connect() as connection:
        return str(connection.scalar(query))


def _started(process: psutil.Process) -> float:
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text()
        return float(stat.rpartition(")")[2].split()[19])  # clock ticks since boot
    except FileNotFoundError:
        return round(process.create_time())  # not Linux, or gone meanwhile


def _boot_id() -> str:
    """Names what a process number counts in: this start of the machine, and this container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux: the boot time to the minute serves as well
        return f"{sys.platform}-{round(psutil.boot_time() / 60)}"
