"""Asking a port as anybody may, without the clients that would tidy a request up."""

import base64
import contextlib
import http.client
import json
import subprocess
import sys
import urllib.parse
from collections.abc import Iterable, Iterator

import grpc
import psutil

_SECONDS = 30.0
# Every route of MLflow's server, as its applications list them, but for those of accounts.
_ROUTES = """
import json, re
from mlflow.server import app
from mlflow.server.fastapi_app import create_fastapi_app
pairs = {(method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods}
for path, methods in create_fastapi_app(app).openapi()["paths"].items():
    pairs |= {(method.upper(), path) for method in methods}
print(json.dumps(sorted((m, re.sub("<[^>]*>|{[^}]*}", "1", p)) for m, p in pairs)))
"""


def http_answer(
    url: str,
    body: bytes | None = None,
    method: str | None = None,
    token: str | None = None,
    **headers: str,
) -> tuple[int, str]:
    """Returns the status and text of an answer; 0 where there is none. The path goes as it is.

    Args:
        token: Given as Ray's clients give theirs.
        headers: An underscore stands for a dash.
    """
    parts = urllib.parse.urlsplit(url)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        given["Authorization"] = f"Bearer {token}"
    if body is not None:
        given.setdefault("Content-Type", "application/json")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=_SECONDS)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body, given)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except OSError:
        return 0, ""
    finally:
        connection.close()


def account(name: str, password: str) -> str:
    """Returns the header by which an account says who it is."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def job(command: str) -> bytes:
    """Returns the body that submits a job."""
    return json.dumps({"entrypoint": command}).encode()


def grpc_answer(address: str, method: str, token: str | None = None) -> bytes | str:
    """Returns the answer to an empty message, or the name of the refusal."""
    metadata = [] if token is None else [("authorization", f"Bearer {token}")]
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(address, options=options) as channel:
        ask = channel.unary_unary(method)
        try:
            return bytes(ask(b"", timeout=_SECONDS, metadata=metadata, wait_for_ready=True))
        except grpc.RpcError as error:
            return str(error.code().name)


def routes(tracking_uri: str) -> list[tuple[str, str]]:
    """Returns (method, path) of everything that MLflow's server answers to."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _ROUTES],
        env={"MLFLOW_TRACKING_URI": tracking_uri, "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(result.stdout.splitlines()[-1])
    return [(str(method), str(path)) for method, path in found]


def listening(processes: Iterable[psutil.Process]) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yields (command of a process, (address, port)) of every TCP port that is listened on."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    ip, port = connection.laddr
                    yield " ".join(process.cmdline())[:80], (ip.removeprefix("::ffff:"), port)
