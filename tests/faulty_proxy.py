"""An HTTP proxy in front of a server that answers as networks and overloaded servers do."""

import base64
import contextlib
import enum
import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, final

_SLOW_SECONDS = 0.5


class Fault(enum.Enum):
    """What becomes of a request."""

    TOO_MANY = 429
    ERROR = 500
    UNAVAILABLE = 503
    HANGS = "no answer until the client has given up"
    SLOW = "a late answer"
    REFUSED = "the connection is closed at once"
    LOST = "the server carries it out, and its answer is lost"


@final
class FaultyProxy:
    """Forwards from a port of its own to one on this machine.

    Args:
        target: The server's port.
        share: How many of the requests are disturbed, from 0 to 1.
        hang_seconds: Longer than the client waits.
        seed: Decides which, and how.
        prefix: What the path has to begin with; it is not forwarded.
        password: `user:password` that requests have to bring; None if anyone may come.
        delay_seconds: How long every request waits before it is forwarded.

    Attributes:
        done: How often each fault happened.
        num_requests: All of them.
    """

    def __init__(
        self,
        target: int,
        *,
        share: float = 0.0,
        hang_seconds: float = 0.0,
        seed: int = 0,
        prefix: str = "",
        password: str | None = None,
        delay_seconds: float = 0.0,
    ):
        self.done: Counter[Fault] = Counter()
        self.num_requests = 0
        self.share = share
        self._target, self._hang_seconds, self._prefix = target, hang_seconds, prefix
        self._delay_seconds = delay_seconds
        encoded = base64.b64encode((password or "").encode()).decode()
        self._authorization = None if password is None else f"Basic {encoded}"
        self._next_faults: list[Fault] = []
        self._chance, self._lock = random.Random(seed), threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

            def handle_any(self) -> None:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    proxy._handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{self._prefix}"

    @contextlib.contextmanager
    def serving(self) -> Iterator["FaultyProxy"]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _next(self) -> Fault | None:
        with self._lock:
            self.num_requests += 1
            if self._chance.random() >= self.share:
                return None
            if not self._next_faults:  # each once before any comes again
                self._next_faults = self._chance.sample(list(Fault), len(Fault))
            fault = self._next_faults.pop()
            self.done[fault] += 1
            return fault

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        time.sleep(self._delay_seconds)
        fault = self._next()
        if fault in (Fault.TOO_MANY, Fault.ERROR, Fault.UNAVAILABLE):
            _answer(request, int(fault.value), b'{"error_code": "TEMPORARILY_UNAVAILABLE"}')
            return
        if fault is Fault.SLOW:
            time.sleep(_SLOW_SECONDS)
        if fault is Fault.HANGS:
            time.sleep(self._hang_seconds)
        if fault in (Fault.HANGS, Fault.REFUSED):
            request.close_connection = True
            return
        status, answer = self._forward(request, body)
        if fault is Fault.LOST:
            request.close_connection = True
            return
        _answer(request, status, answer)

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        given = request.headers.get("Authorization")
        if self._authorization is not None and given != self._authorization:
            return 401, b"who are you?"
        if not request.path.startswith(f"{self._prefix}/"):
            return 404, b"outside of the prefix"
        connection = http.client.HTTPConnection("127.0.0.1", self._target, timeout=20)
        try:
            headers = {k: v for k, v in request.headers.items() if k.lower() != "host"}
            path = request.path.removeprefix(self._prefix)
            connection.request(request.command, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 502, b"the server is away"
        finally:
            connection.close()


def _answer(request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
