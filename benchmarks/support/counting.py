"""What a search asks of its databases: statements, and bytes on the way to a server."""

import contextlib
import dataclasses
import select
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from search.workspace import Workspace
from tests.postgres import PostgresServer, free_port


@dataclasses.dataclass
class Counts:
    """What was counted so far.

    Attributes:
        ended: Trials.
        calls: Statements of all threads.
        main_calls: Those of the main thread.
        num_bytes: Of all statements with their values.
        wire: Bytes to and from the study's server.
    """

    ended: int = 0
    calls: int = 0
    main_calls: int = 0
    num_bytes: int = 0
    wire: int = 0


@contextlib.contextmanager
def counting(counts: Counts, on_end: Callable[[], None]) -> Iterator[None]:
    """Counts the statements of every SQLAlchemy engine of this process."""
    main = threading.main_thread()

    def count(_: Any, cursor: Any, statement: str, values: Any, *rest: Any) -> None:
        counts.calls += 1
        counts.main_calls += threading.current_thread() is main
        counts.num_bytes += len(statement) + len(str(values))
        if statement.startswith("UPDATE trial SET") and "finished_at" in statement:
            counts.ended += 1
            on_end()

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)


class CountingPipe:
    """Forwards connections from a port of its own, and counts what passes."""

    def __init__(self, target: int, counts: Counts):
        self._target, self._counts = target, counts
        self.port = free_port()
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._server.accept()
            server = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with client, server:
            while True:
                for ready in select.select(list(other), [], [])[0]:
                    data = ready.recv(1 << 16)
                    if not data:
                        return
                    self._counts.wire += len(data)
                    other[ready].sendall(data)


@contextlib.contextmanager
def workspaces(postgres: bool, counts: Counts) -> Iterator[Workspace]:
    """Yields an empty workspace, whose study is on a server of its own if that is wanted."""
    with tempfile.TemporaryDirectory(prefix="vaesearch-benchmark-") as name:
        folder = Path(name)
        if not postgres:
            yield Workspace(folder / "workspace")
            return
        folder.chmod(0o755)
        (folder / "sql").mkdir()
        server = PostgresServer(folder / "sql")
        server.start()
        try:
            url = sa.make_url(server.url)
            pipe = CountingPipe(int(url.port or 0), counts)
            through = url.set(port=pipe.port).render_as_string(hide_password=False)
            yield Workspace(folder / "workspace", through)
        finally:
            server.stop()
