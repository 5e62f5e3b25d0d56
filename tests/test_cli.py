"""The command line, in this process: what it prints, refuses, and leaves alone."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from search.cli.app import app
from search.study.database import open_database
from search.study.lease import Lease
from search.study.reader import StudyReader, list_names
from search.workspace import Workspace
from tests.commands import Commands, make_search
from tests.search.examples import make_study

COMMANDS = (
    "init",
    "check",
    "run",
    "resume",
    "stop",
    "list",
    "status",
    "pareto",
    "export",
    "analyze",
    "compare",
    "reproduce",
    "ui",
    "retry",
    "enqueue",
    "fork",
    "confirm",
    "importance",
    "prune",
    "delete",
    "logs",
    "report",
    "sync",
    "register",
    "submit",
    "jobs",
    "drive",
    "supervise",
    "migrate",
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return make_search(tmp_path_factory.mktemp("looked-at") / "ws")


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture
def look(command, workspace, monkeypatch):
    """Runs commands on the small search."""
    monkeypatch.setenv("VAESEARCH_WORKSPACE", str(workspace.folder))
    return command


# Help and usage


def test_the_commands_are_these():
    assert set(typer.main.get_command(app).commands) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name):
    found = typer.main.get_command(app).commands[name]
    assert found.help
    assert found.help.strip().endswith(".")
    unexplained = [p.name for p in found.params if p.name != "name" and not p.help]
    assert unexplained == []


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_is_shown(command, arguments):
    shown = command(*arguments)
    assert (shown.status, shown.err) == (0, "")
    assert "Usage: vaesearch" in shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fly"], "fly"),
        (["run", "--trials", "0"], "--trials"),
        (["run", "--trials", "many"], "--trials"),
        (["run", "--sampler", "best"], "--sampler"),
        (["run", "--unknown"], "--unknown"),
        (["status"], "NAME"),
        (["export", "tiny", "best", "--out", "model"], "trial@epoch"),
        (["export", "tiny", "1"], "--out"),
        (["ui", "--port", "70000"], "--port"),
        (["resume", "nobody", "--trials", "abc"], "abc"),
        (["resume", "tiny", "--trials", "+0"], "+0"),
        (["resume", "tiny", "--trials", "-5"], "-5"),
        (["resume", "tiny", "--trials", "²"], "²"),
    ],
)
def test_wrong_usage_ends_with_status_2(look, arguments, said):
    refused = look(*arguments)
    assert (refused.status, refused.out) == (2, "")
    assert said in refused.err


# Workspaces


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["status", "tiny"],
        ["pareto", "tiny"],
        ["stop", "tiny"],
        ["resume", "tiny"],
        ["export", "tiny", "0", "--out", "model"],
        ["ui"],
    ],
)
def test_looking_at_no_workspace_makes_none(command, arguments):
    refused = command(*arguments, "--workspace", "typo").error
    assert str(Path("typo").absolute()) in refused
    assert "`--workspace` names another folder" in refused
    assert list(Path().iterdir()) == []


def test_a_workspace_that_cannot_be_made_is_refused(command):
    Path("file").write_text("")
    for place in ("file", "file/ws"):
        assert "Cannot use the workspace" in command("run", "--workspace", place).error


@pytest.mark.parametrize("arguments", [["list"], ["status", "tiny"]])
def test_a_read_only_workspace_is_refused(look, monkeypatch, arguments):
    monkeypatch.setattr("os.access", lambda _, mode: mode != os.W_OK)
    assert "cannot be written to" in look(*arguments).error


def test_a_damaged_study_database_is_named(command):
    Path("ws").mkdir()
    Path("ws/study.db").write_text("no database at all, but long enough to look like one" * 20)
    assert "Cannot open the study database" in command("list", "--workspace", "ws").error


# list, status


def test_list_shows_every_search(look):
    shown = look("list").out
    assert "tiny" in shown
    assert "4/4" in shown
    assert "FID 4.00 (1@1), TVD 0.2000 (0@1)" in shown
    (found,) = json.loads(look("list", "--json").out)
    assert (found["name"], found["driver"], found["states"]["failed"]) == ("tiny", None, 1)


def test_status_shows_every_trial_and_the_history(look):
    shown = look("status", "tiny").out
    assert "tiny is finished." in shown
    assert "the loss became nan" in shown
    assert "driver ended" in shown
    found = json.loads(look("status", "tiny", "--json").out)
    assert [trial["state"] for trial in found["finished"]] == ["complete"] * 3 + ["failed"]
    assert found["history"][-1]["what"] == "driver ended"


@pytest.mark.parametrize("name", ["status", "pareto", "stop", "resume"])
def test_an_unknown_search_is_refused_with_the_known_ones(look, name):
    assert look(name, "tinny").error == "There is no search `tinny` here. Known: tiny."


# resume, stop, export, ui


def test_a_name_is_given_once(look, workspace):
    refused = look("run", "--name", "tiny").error
    assert "a search `tiny` already" in refused
    assert "vaesearch resume tiny" in refused
    assert list_names(open_database(workspace.study_url)) == ["tiny"]


def test_stop_is_refused_when_nobody_runs_the_search(look):
    assert "Nobody runs `tiny` now" in look("stop", "tiny").error


def test_resume_cannot_have_fewer_trials_than_are_finished(look):
    assert "has 4 finished trials" in look("resume", "tiny", "--trials", "3").error


def test_resume_is_refused_while_another_driver_runs_the_search(look, workspace):
    engine = open_database(workspace.study_url)
    lease = Lease.take(engine, StudyReader(engine, "tiny").id)
    try:
        refused = look("resume", "tiny", "--workers", "2").error
        assert "is run by process" in refused
        assert "`vaesearch stop tiny` ends it" in refused
        assert "tiny is running" in look("status", "tiny").out
    finally:
        lease.release()


@pytest.mark.parametrize(
    ("candidate", "said"), [("9", "no trial 9: its last is 3"), ("3", "no weights of trial 3")]
)
def test_export_says_what_there_is_not(look, candidate, said):
    assert said in look("export", "tiny", candidate, "--out", "model").error
    assert list(Path().iterdir()) == []


def test_ui_without_mlflow_says_so(look):
    assert "has no MLflow record yet" in look("ui").error


def test_ui_on_a_port_in_use_says_so(command, tmp_path):
    place = make_search(tmp_path / "ws")
    (place.folder / "mlflow.db").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refused = command("ui", "--workspace", place.folder, "--port", port).error
    assert f"Cannot listen on 127.0.0.1:{port}" in refused
    assert "--port" in refused


def test_a_search_of_nothing_but_waiting_trials_has_no_front(command, tmp_path):
    from search.study.searches import create_search

    place = Workspace.at(tmp_path / "ws")
    place.make()
    create_search(open_database(place.study_url), make_study(name="new"), {})
    assert (
        "No trial of `new` has been measured yet"
        in command("pareto", "new", "--workspace", "ws").out
    )
    refused = command("pareto", "new", "--workspace", "ws", "--plot", "front.png").error
    assert "nothing to draw" in refused
    assert (
        "no trial 0: it has none yet"
        in command("export", "new", "0", "--workspace", "ws", "--out", "model").error
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, the disk that is full")
def test_an_output_that_cannot_be_written_is_one_line(tmp_path):
    place = make_search(tmp_path)
    command = [sys.executable, "-m", "search.cli.main", "list", "--workspace", str(place.folder)]
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "Error: The disk is full. Free some space; nothing measured is lost."
    ]
