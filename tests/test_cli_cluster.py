"""Commands with `--cluster`, as far as they go without one: cluster/smoke.sh has the rest."""

import json
import os
from types import SimpleNamespace

import pytest
import typer

from search.cli.cluster import _follow
from search.cli.main import app
from search.study.database import open_database
from search.study.reader import list_names
from search.study.submissions import (
    WorkKind,
    claim_job,
    list_submissions,
    read_submission,
    unwant,
    want,
)
from tests.commands import Commands, make_search
from tests.postgres import free_port

NAMES = ("VAESEARCH_CLUSTER", "VAESEARCH_STUDY_URL", "VAESEARCH_STORE", "VAESEARCH_MLFLOW_URI")
STUDY = """
name: tiny
dataset: digits
space: {beta: {type: float, low: 0.1, high: 1.0}}
budget: {trials: 2, epochs: 1}
"""


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    for name in (*NAMES, "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture
def nowhere(call, monkeypatch, tmp_path):
    """The address of a cluster that is not there, whose study is that of a workspace."""
    database = tmp_path / "vaesearch-workspace" / "study.db"
    monkeypatch.setenv("VAESEARCH_STUDY_URL", f"sqlite:///{database}")
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def engine(tmp_path):
    """The study database of a workspace with a search."""
    return open_database(make_search(tmp_path / "vaesearch-workspace").study_url)


def test_every_command_with_a_workspace_has_a_cluster():
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        options = [option for parameter in command.params for option in parameter.opts]
        assert ("--cluster" in options) == ("--workspace" in options), name
    assert "--cluster" in [o for p in commands["status"].params for o in p.opts]


class TestSubmit:
    def test_a_cluster_that_is_not_there_is_one_line(self, call, engine, nowhere, tmp_path):
        (tmp_path / "study.yaml").write_text(STUDY.replace("tiny", "other"))
        error = call("submit", "study.yaml", "--cluster", nowhere).error
        assert error == (
            f"The cluster at {nowhere} does not answer. Is its head running, the port open?"
        )
        assert read_submission(engine, "other") is None

    @pytest.mark.parametrize("host", ["10.0.0.5", "127.0.0.1", "localhost"])
    @pytest.mark.parametrize("command", [["submit"], ["status", "tiny"], ["jobs"]])
    def test_a_cluster_needs_a_study(self, call, engine, host, command):
        """One behind a tunnel too: this machine's own searches are not those of a cluster."""
        error = call(*command, "--cluster", f"http://{host}:8265").error
        assert error.startswith(f"Name the study database of the cluster at http://{host}:8265")
        assert list_submissions(engine) == []

    @pytest.mark.parametrize(
        "command",
        [
            ["run", "--ray", "auto"],
            ["run", "--profile"],
            ["resume", "tiny", "--ray", "auto"],
            ["resume", "tiny", "--profile"],
            ["confirm", "tiny", "--ray", "auto"],
        ],
    )
    def test_what_a_driver_elsewhere_cannot_be_told_is_refused(
        self, call, engine, nowhere, command
    ):
        error = call(*command, "--cluster", nowhere).error
        option = next(word for word in command if word.startswith("--"))
        assert error.startswith(f"`{option}` is for a search that this machine drives")
        assert list_submissions(engine) == []

    def test_a_password_in_an_address_is_refused_and_not_shown(self, call):
        error = call("submit", "--cluster", "http://ann:geheim@10.0.0.5:8265").error
        assert "holds no password" in error
        assert "geheim" not in error

    def test_without_a_cluster_it_says_what_to_name(self, call, engine):
        assert call("submit").error.startswith("Name a cluster: --cluster NAME, or --cluster http")

    def test_an_unknown_cluster_starts_nothing(self, call, engine):
        assert "There is no cluster `lab`" in call("run", "--cluster", "lab").error

    def test_a_study_that_cannot_work_is_refused_before_anything(self, call, engine, nowhere):
        result = call("submit", "nothing.yaml", "--cluster", nowhere)
        assert result.status == 1
        assert "nothing.yaml" in result.err


class TestLooking:
    def test_a_search_is_read_from_the_study_alone(self, call, engine, nowhere):
        result = call("status", "tiny", "--cluster", nowhere)
        assert result.status == 0
        assert "tiny is" in result.out
        assert os.environ["VAESEARCH_CLUSTER"] == nowhere

    def test_the_next_command_names_the_cluster_too(self, call, engine, nowhere):
        error = call("stop", "tiny", "--cluster", nowhere).error
        assert f"`vaesearch status tiny --cluster {nowhere}` shows it" in error

    def test_jobs_say_what_became_of_them(self, call, engine, nowhere):
        want(engine, "tiny", WorkKind.SEARCH, "ann")
        claim_job(engine, read_submission(engine, "tiny"), 0)
        want(engine, "later", WorkKind.SEARCH, "bob")
        unwant(engine, "later", "finished")
        rows = json.loads(call("jobs", "--cluster", nowhere, "--json").out)
        shown = [(r["name"], r["owner"], r["state"], r["num_jobs"], r["message"]) for r in rows]
        assert shown == [
            ("later", "bob", "ended", 0, "finished"),
            ("tiny", "ann", "waiting", 1, None),
        ]
        table = call("jobs").out
        assert "tiny-1" in table
        assert "waiting" in table

    def test_no_jobs(self, call, engine):
        assert call("jobs").out.startswith("Nothing was submitted yet.")

    def test_the_log_of_a_driver_needs_a_submission(self, call, engine):
        assert "`tiny` was not submitted" in call("logs", "tiny").error

    def test_the_pages_are_those_of_the_cluster(self, call, nowhere, monkeypatch):
        error = call("ui", "--cluster", nowhere).error
        assert error.startswith("Name the cluster's MLflow: `mlflow` in its profile")
        monkeypatch.setenv("VAESEARCH_MLFLOW_URI", "http://10.0.0.5:5000")
        shown = call("ui", "--cluster", nowhere).out
        assert shown == "MLflow of the cluster: http://10.0.0.5:5000\n"


class TestFollowing:
    @pytest.mark.parametrize("has_job", [True, False])
    def test_the_end_of_a_job_is_told_once(self, engine, monkeypatch, capsys, has_job):
        want(engine, "tiny", WorkKind.SEARCH, "ann")
        if has_job:
            claim_job(engine, read_submission(engine, "tiny"), 0)
        looks = []

        def look_again(seconds):
            looks.append(seconds)
            if len(looks) == 3:
                unwant(engine, "tiny", "finished")

        monkeypatch.setattr("search.cli.cluster.time", SimpleNamespace(sleep=look_again))
        jobs = SimpleNamespace(follow=lambda job_id: [f"{job_id} trains\n"])
        item = read_submission(engine, "tiny")
        _follow(engine, jobs, item)
        job = item.job_id
        told = f"{job} trains\nJob {job} has ended; the supervisor starts the next one.\n"
        assert capsys.readouterr().out == (told if has_job else "")


class TestStore:
    @pytest.mark.parametrize(
        "command",
        [["prune", "--yes"], ["delete", "--yes"], ["logs", "0"], ["export", "0", "--out", "m"]],
    )
    def test_a_folder_of_this_machine_is_not_taken_for_the_clusters(
        self, call, engine, nowhere, command
    ):
        name, *rest = command
        error = call(name, "tiny", *rest, "--cluster", nowhere).error
        assert error.startswith("Name the store of the cluster, where `tiny` keeps its files")
        assert list_names(engine) == ["tiny"]

    def test_the_one_that_is_named_is_used(self, call, engine, nowhere, monkeypatch, tmp_path):
        monkeypatch.setenv("VAESEARCH_STORE", str(tmp_path / "store"))
        assert call("delete", "tiny", "--yes", "--cluster", nowhere).status == 0
        assert list_names(engine) == []


class TestStop:
    def test_what_waits_for_its_turn_is_not_started(self, call, engine):
        want(engine, "tiny", WorkKind.SEARCH, "ann")
        result = call("stop", "tiny")
        assert (result.status, "will not be started" in result.out) == (0, True)
        assert not read_submission(engine, "tiny").is_wanted

    def test_one_that_was_never_recorded_can_be_stopped_too(self, call, engine):
        want(engine, "new", WorkKind.SEARCH, "ann")
        assert "will not be started" in call("stop", "new").out
        assert "no search `new`" in call("stop", "new").error

    def test_deleting_a_search_forgets_its_submission(self, call, engine):
        want(engine, "tiny", WorkKind.SEARCH, "ann")
        unwant(engine, "tiny", "finished")
        assert call("delete", "tiny", "--yes").status == 0
        assert read_submission(engine, "tiny") is None


class TestOrResume:
    def test_another_search_of_that_name_is_refused(self, call, engine, tmp_path):
        (tmp_path / "study.yaml").write_text(STUDY)
        error = call("run", "study.yaml", "--or-resume").error
        assert error.startswith("There is another search `tiny`, with other space")


def test_a_database_is_made_ready(call):
    assert call("migrate").out == "The study database is ready; searches: 0.\n"
    assert call("list").out.startswith("No searches in")
