"""Calling someone when a search has ended or failed: a program, a web address, or both.

It comes after the lease was given back, so that what is called may go on with the search. Nothing
that goes wrong here is an error of the search.
"""

import contextlib
import json
import logging
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, final

import sqlalchemy as sa

from search.errors import LeaseHeldError, LeaseLostError, SearchError
from search.report.progress import progress
from search.sections import OnEndSection
from search.stopper import Ending
from search.study.history import add_event
from search.study.reader import StudyReader
from search.workspace import Workspace

_log = logging.getLogger(__name__)

_FAILED: Final = "failed"
# Not told: what a person or a machine asked for, and a search that goes on elsewhere.
_UNTOLD: Final = (Ending.STOPPED, Ending.INTERRUPTED, Ending.TAKEN_OVER)


@final
class Outcome:
    """How a driver ended.

    Attributes:
        has_begun: Whether it had something to do, and was not refused.
        ending: None until it has ended.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self.ending: Ending | None = None


@contextlib.contextmanager
def telling_end(
    reader: StudyReader, workspace: Workspace, say: Callable[[str], None]
) -> Iterator[Outcome]:
    """Calls what the study file names under `on_end`, once, after the driver inside has ended.

    Args:
        reader: The search.
        workspace: Its workspace.
        say: Called with one sentence if what should be called cannot be, fails, or takes too long.

    Yields:
        Where the driver writes its ending. An error that leaves the block is the ending `failed`,
        but for those that say that another driver runs the search.
    """
    section = reader.record().config.on_end
    outcome = Outcome()
    try:
        yield outcome
    except (LeaseHeldError, LeaseLostError):
        raise
    except Exception as error:
        if section is not None and outcome.has_begun:
            _tell(section, reader, workspace, say, (_FAILED, error))
        raise
    if section is not None and outcome.has_begun and outcome.ending not in (None, *_UNTOLD):
        _tell(section, reader, workspace, say, (str(outcome.ending), None))


def _tell(
    section: OnEndSection,
    reader: StudyReader,
    workspace: Workspace,
    say: Callable[[str], None],
    how: tuple[str, Exception | None],
) -> None:
    document = describe(reader, workspace, *how)
    calls: dict[str, Callable[[], str | None]] = {}
    if section.command is not None:
        command = section.command
        calls["command"] = lambda: run_command(command, document, section.timeout_seconds)
    if section.webhook is not None:
        webhook = section.webhook
        calls["webhook"] = lambda: post(webhook, document, section.timeout_seconds)
    for what, call in calls.items():
        problem = call()
        if problem is not None:
            say(f"the {what} of `on_end` failed: {problem}")
            with contextlib.suppress(sa.exc.SQLAlchemyError, SearchError):
                details = {"what": what, "problem": problem}
                add_event(reader.engine, reader.id, "on_end failed", details)


def describe(
    reader: StudyReader, workspace: Workspace, ending: str, error: Exception | None = None
) -> dict[str, Any]:
    """Returns what is told of a search that has ended, as plain values.

    Args:
        reader: The search.
        workspace: Its workspace.
        ending: How its driver ended, or `failed`.
        error: Why it failed.
    """
    document: dict[str, Any] = {
        "name": reader.name,
        "ending": ending,
        "error": None if error is None else _named(error),
        "workspace": str(workspace.folder),
        "host": socket.gethostname(),
        "unix_time": time.time(),
    }
    # An outage of the database may be the very reason of the end.
    with contextlib.suppress(sa.exc.SQLAlchemyError, SearchError):
        state = progress(reader.record(), reader.trials(), None)
        document |= {
            "num_trials": state.num_trials,
            "num_finished": state.num_finished,
            "states": dict(state.states),
            "best": {n: {"value": value, "at": at} for n, (value, at) in state.best.items()},
            "hypervolume": state.hypervolume,
        }
    return document


def run_command(
    command: list[str], document: Mapping[str, Any], timeout_seconds: float
) -> str | None:
    """Runs a program with a document on its standard input; returns what went wrong, or None.

    What it starts ends with it when it takes too long.
    """
    environment = {
        **os.environ,
        "VAESEARCH_NAME": str(document["name"]),
        "VAESEARCH_ENDING": str(document["ending"]),
        "VAESEARCH_WORKSPACE": str(document["workspace"]),
    }
    # Files, not pipes: nobody waits for a program that does not read or does not close them.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as complaint:
        given.write(json.dumps(document).encode())
        given.seek(0)
        streams: dict[str, Any] = {"stdin": given, "stderr": complaint}
        try:
            process = subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
                **streams,
            )
        except OSError as error:
            return f"cannot start {command[0]}: {error.strerror or error}"
        try:
            status = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return f"{command[0]} did not end within {timeout_seconds:g} s"
        finally:
            _end_family(process)
        complaint.seek(0)
        lines = complaint.read().decode(errors="replace").strip().splitlines()
    if status == 0:
        return None
    return f"{command[0]} ended with {status}" + (f": {lines[-1][:200]}" if lines else "")


def _end_family(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def post(webhook: str, document: Mapping[str, Any], timeout_seconds: float) -> str | None:
    """Sends a document to a web address; returns what went wrong, or None.

    The address is never part of what is returned: it may hold a secret.
    """
    try:
        url = re.sub(r"\$\{(\w+)\}", lambda match: os.environ[match[1]], webhook)
    except KeyError as error:
        return f"the environment variable {error.args[0]} is not set"
    if not url.startswith(("http://", "https://")):
        return "what its environment variable holds is no address with http:// or https://"
    found: list[str | None] = []
    sending = threading.Thread(
        target=lambda: found.append(_send(url, json.dumps(document).encode(), timeout_seconds)),
        daemon=True,  # a look-up of the name, and an answer in drops, know no time limit
    )
    sending.start()
    sending.join(timeout_seconds)
    return found[0] if found else f"no answer within {timeout_seconds:g} s"


def _send(url: str, content: bytes, timeout_seconds: float) -> str | None:
    try:
        request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(_NoRedirects)
        with opener.open(request, timeout=timeout_seconds):
            return None
    except urllib.error.HTTPError as error:
        return f"it answered with status {error.code}"
    except urllib.error.URLError as error:
        return f"it cannot be reached: {error.reason}"
    except TimeoutError:
        return f"no answer within {timeout_seconds:g} s"
    except Exception as error:  # noqa: BLE001 - whatever it is, the search has ended well
        return f"it cannot be called: {type(error).__name__}"


@final
class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows none: a POST would become a GET, and the document would be lost without a word."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _named(error: Exception) -> str:
    """Returns an error of ours as it is shown, any other with its class."""
    return str(error) if isinstance(error, SearchError) else f"{type(error).__name__}: {error}"
