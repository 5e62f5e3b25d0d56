"""What is called when a search ends: real programs, a real server, and all they get wrong."""

import contextlib
import dataclasses
import http.server
import json
import re
import sys
import threading
import time
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from search.config import StudyConfig
from search.errors import LeaseHeldError, LeaseLostError, StoreError
from search.on_end import post, run_command, telling_end
from search.stopper import Ending
from search.study.database import open_database
from search.study.reader import StudyReader
from search.study_file import parse_study
from tests.commands import make_search
from tests.search.examples import make_study

DOCUMENT = {"name": "tiny", "ending": "finished", "workspace": "/ws"}
ECHO = "import os, sys; open(sys.argv[1], 'w').write(os.environ['{}'] + ' ' + sys.stdin.read())"


@pytest.fixture
def server():
    """A server that keeps what is posted; `status` and `pause` say how it answers."""
    answers = SimpleNamespace(status=200, pause=0.0, headers={}, posted=[])
    released = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            answers.posted.append((self.path, json.loads(self.rfile.read(length))))
            released.wait(answers.pause)
            with contextlib.suppress(OSError):  # who asked may be gone
                self.send_response(answers.status)
                for name, value in answers.headers.items():
                    self.send_header(name, value)
                self.end_headers()

        do_GET = do_POST

        def log_message(self, *_):
            """Says nothing."""

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    answers.url = f"http://127.0.0.1:{listening.server_port}/hook"
    yield answers
    released.set()
    listening.shutdown()
    listening.server_close()
    thread.join()


class TestCommand:
    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("VAESEARCH_NAME", "tiny"),
            ("VAESEARCH_ENDING", "finished"),
            ("VAESEARCH_WORKSPACE", "/ws"),
        ],
    )
    def test_it_gets_the_document_and_its_main_points(self, tmp_path, variable, value):
        out = tmp_path / "out"
        command = [sys.executable, "-c", ECHO.format(variable), str(out)]
        assert run_command(command, DOCUMENT, 30) is None
        assert out.read_text() == f"{value} {json.dumps(DOCUMENT)}"

    def test_one_that_does_not_read_does_no_harm(self):
        large = {**DOCUMENT, "states": "x" * 1_000_000}
        assert run_command([sys.executable, "-c", "pass"], large, 30) is None

    def test_no_shell_sees_the_arguments(self, tmp_path):
        marker = tmp_path / "marker"
        assert (
            run_command([sys.executable, "-c", "pass", f"; touch {marker}"], DOCUMENT, 30) is None
        )
        assert not marker.exists()

    @pytest.mark.parametrize(
        ("code", "problem"),
        [
            ("raise SystemExit(3)", r"ended with 3$"),
            ("raise ValueError('no address')", r"ended with 1: ValueError: no address$"),
        ],
    )
    def test_one_that_fails_is_told_with_its_last_words(self, code, problem):
        found = run_command([sys.executable, "-c", code], DOCUMENT, 30)
        assert found is not None
        assert found.startswith(sys.executable)
        assert re.search(problem, found)

    def test_one_that_is_not_there_is_told(self):
        assert run_command(["/no/such/program"], DOCUMENT, 30) == (
            "cannot start /no/such/program: No such file or directory"
        )

    def test_one_that_hangs_is_ended_with_all_that_it_started(self, tmp_path):
        code = (
            "import subprocess, sys, time\n"
            "subprocess.Popen([sys.executable, '-c', "
            "'import sys, time; time.sleep(3); open(sys.argv[1], \"w\")', sys.argv[1]])\n"
            "time.sleep(60)"
        )
        marker = tmp_path / "still-alive"
        began = time.monotonic()
        found = run_command([sys.executable, "-c", code, str(marker)], DOCUMENT, 1)
        assert found == f"{sys.executable} did not end within 1 s"
        assert time.monotonic() - began < 30
        time.sleep(3)
        assert not marker.exists()


class TestWebhook:
    def test_it_gets_the_document(self, server):
        assert post(server.url, DOCUMENT, 30) is None
        assert server.posted == [("/hook", DOCUMENT)]

    def test_a_secret_comes_from_the_environment_and_is_told_nowhere(self, server, monkeypatch):
        monkeypatch.setenv("HOOK_TOKEN", "s3cret")
        assert post(f"{server.url}/${{HOOK_TOKEN}}", DOCUMENT, 30) is None
        assert server.posted[0][0] == "/hook/s3cret"
        server.status = 403
        assert post(f"{server.url}/${{HOOK_TOKEN}}", DOCUMENT, 30) == "it answered with status 403"
        monkeypatch.setenv("HOOK_TOKEN", "s3 cret\r\n")  # no address at all
        found = post(f"{server.url}/${{HOOK_TOKEN}}", DOCUMENT, 30)
        assert found is not None
        assert "cret" not in found

    def test_a_variable_that_is_not_set_is_named(self):
        assert post("${NO_SUCH_HOOK}", DOCUMENT, 30) == (
            "the environment variable NO_SUCH_HOOK is not set"
        )

    def test_a_variable_that_holds_another_kind_of_address_is_refused(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HOOK", (tmp_path / "s3cret").as_uri())
        found = post("${HOOK}", DOCUMENT, 30)
        assert found is not None
        assert "no address with http:// or https://" in found
        assert "s3cret" not in found

    @pytest.mark.parametrize("status", [400, 500])
    def test_a_refusal_is_told(self, server, status):
        server.status = status
        assert post(server.url, DOCUMENT, 30) == f"it answered with status {status}"

    def test_a_redirect_is_not_followed(self, server):
        server.status, server.headers = 302, {"Location": "/elsewhere"}
        assert post(server.url, DOCUMENT, 30) == "it answered with status 302"
        assert len(server.posted) == 1

    def test_one_that_hangs_is_left_after_its_time(self, server):
        server.pause = 60.0
        began = time.monotonic()
        assert post(server.url, DOCUMENT, 0.5) == "no answer within 0.5 s"
        assert time.monotonic() - began < 20

    def test_one_that_is_not_there_is_told(self, server):
        found = post("http://127.0.0.1:1/", DOCUMENT, 30)
        assert found is not None
        assert found.startswith("it cannot be reached: ")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace with a search whose end is posted to wherever TEST_HOOK says."""
    folder = tmp_path_factory.mktemp("ended") / "ws"
    return make_search(folder, on_end={"webhook": "${TEST_HOOK}"})


class TestTelling:
    @pytest.fixture
    def told(self, workspace, server, monkeypatch):
        """Ends drivers of that search."""
        monkeypatch.setenv("TEST_HOOK", server.url)
        reader = StudyReader(open_database(workspace.study_url), "tiny")
        said = []

        def end(ending=None, error=None):
            with telling_end(reader, workspace, said.append) as outcome:
                outcome.has_begun = True
                outcome.ending = ending
                if error is not None:
                    raise error

        yield SimpleNamespace(end=end, said=said, reader=reader, server=server)
        reader.engine.dispose()

    @pytest.mark.parametrize(
        "ending", [Ending.FINISHED, Ending.SETTLED, Ending.OUT_OF_TIME, Ending.OVER_QUOTA]
    )
    def test_an_end_that_nobody_asked_for_is_told_once(self, told, ending):
        told.end(ending)
        ((_, document),) = told.server.posted
        assert (document["name"], document["ending"]) == ("tiny", ending.value)
        assert document["error"] is None
        assert (document["num_trials"], document["num_finished"]) == (4, 4)
        assert document["states"]["failed"] == 1
        assert document["best"]["fid"] == {"value": 4.0, "at": "1@1"}
        assert told.said == []

    def test_an_error_is_told_and_goes_on_as_it_was(self, told):
        with pytest.raises(StoreError, match="the disk is full"):
            told.end(error=StoreError("the disk is full"))
        ((_, document),) = told.server.posted
        assert (document["ending"], document["error"]) == ("failed", "the disk is full")

    def test_a_bug_is_told_with_its_kind(self, told):
        with pytest.raises(KeyError, match="fid"):
            told.end(error=KeyError("fid"))
        assert told.server.posted[0][1]["error"] == "KeyError: 'fid'"

    @pytest.mark.parametrize("ending", [Ending.STOPPED, Ending.TAKEN_OVER])
    def test_what_a_person_did_is_not_told(self, told, ending):
        told.end(ending)
        assert told.server.posted == []

    @pytest.mark.parametrize("error", [LeaseHeldError, LeaseLostError, KeyboardInterrupt])
    def test_a_search_that_goes_on_elsewhere_has_not_ended(self, told, error):
        with pytest.raises(error, match="because"):
            told.end(error=error("because"))
        assert told.server.posted == []

    def test_a_failure_is_one_line_and_an_event_and_no_error(self, told):
        told.server.status = 500
        told.end(Ending.FINISHED)
        assert told.said == ["the webhook of `on_end` failed: it answered with status 500"]
        event = told.reader.events()[-1]
        assert event.kind == "on_end failed"
        assert event.details == {"what": "webhook", "problem": "it answered with status 500"}

    def test_a_search_whose_database_is_away_is_told_all_the_same(self, told, monkeypatch):
        def away(*_):
            raise sa.exc.OperationalError("SELECT", {}, OSError("connection refused"))

        told.server.status = 500
        with monkeypatch.context() as patched:
            patched.setattr(told.reader, "trials", away)
            patched.setattr("search.on_end.add_event", away)
            told.end(Ending.OUT_OF_TIME)
        assert told.server.posted[0][1]["ending"] == "out of time"
        assert "num_trials" not in told.server.posted[0][1]

    def test_without_the_key_nothing_is_called(self, told, workspace, monkeypatch):
        record = told.reader.record()
        plain = record.config.model_copy(update={"on_end": None})
        changed = dataclasses.replace(record, config=plain)
        monkeypatch.setattr(told.reader, "record", lambda: changed)
        told.end(Ending.FINISHED)
        assert told.server.posted == []


class TestStudyFile:
    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("{command: mail me}", r"on_end\.command: write a list of the program.*'mail me'"),
            ("{command: []}", r"on_end\.command: .*at least 1 item"),
            ("{webhook: 'ftp://host'}", r"on_end\.webhook: expected an address with http"),
            ("{webhook: 'file:///etc/passwd'}", r"expected an address with http"),
            ("{}", r"on_end: write `command`, `webhook` or both"),
            ("{command: [a], timeout_seconds: 0}", r"timeout_seconds: .*greater than 0"),
            ("{comand: [a]}", r"on_end\.comand"),
        ],
    )
    def test_faults_are_refused_with_their_line(self, line, said):
        text = "name: tiny\ndataset: digits\nspace:\n  beta: {type: float, low: 0.1, high: 1.0}\n"
        with pytest.raises(ValueError, match=said if "comand" not in line else "unknown key"):
            parse_study(f"{text}on_end: {line}\n", "study.yaml")

    def test_a_study_with_everything_comes_back_as_it_was(self):
        on_end = {"command": ["mail", "me"], "webhook": "https://host/${TOKEN}"}
        study = make_study(on_end=on_end, store_quota_gb=2)
        assert StudyConfig.model_validate(study.model_dump(mode="json")) == study
        assert study.on_end is not None
        assert study.on_end.timeout_seconds == 60.0
