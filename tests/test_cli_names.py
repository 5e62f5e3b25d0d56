"""Names of searches as hostile as they come: refused in words wherever one is given."""

import pytest
import yaml

from search.cli.run import _default_name
from search.study.database import open_database
from search.study.reader import StudyReader, list_names
from search.study_file import builtin_text
from tests.commands import Commands, make_search

ALLOWED = "name: expected at most 63 letters, digits, `.`, `_`, `-`, a letter or digit first. "
HOSTILE = ["a/b", 'a"b', "it's", "a🙂", "n" * 500, "-a", "", "..", ".hidden", "a b", "a\\b", "é"]
COMMANDS = ["status", "sync", "report", "resume", "stop", "retry", "pareto", "prune", "delete"]
UNKNOWN = "a/b\"'🙂"


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A workspace that no test here changes."""
    return make_search(tmp_path_factory.mktemp("workspace"))


@pytest.mark.parametrize("name", HOSTILE)
class TestRefused:
    def test_in_a_study_file(self, call, tmp_path, name):
        values = {**yaml.safe_load(builtin_text()), "name": name}
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(values))
        for command in ("check", "run"):
            error = call(command, "study.yaml").error
            assert ALLOWED in error
            assert error.startswith("study.yaml:")
            assert len(error) < 300
        assert not (tmp_path / "vaesearch-workspace").exists()

    def test_by_an_option_of_run(self, call, tmp_path, name):
        error = call("run", f"--name={name}").error
        assert error == f"{ALLOWED}Received: {name[:80]!r}"
        assert not (tmp_path / "vaesearch-workspace").exists()

    def test_by_fork(self, call, place, name):
        error = call("fork", "--workspace", place.folder, "tiny", "--", name).error
        assert error == f"{ALLOWED}Received: {name[:80]!r}"
        assert list_names(open_database(place.study_url)) == ["tiny"]


def test_a_leading_dash_is_taken_for_an_option_of_fork(call, place):
    result = call("fork", "tiny", "-a")
    assert result.status == 2
    assert "No such option: -a" in result.err


@pytest.mark.parametrize("name", [UNKNOWN, "n" * 500, "", ".."])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_search_is_called_so(call, place, tmp_path, command, name):
    error = call(command, name, "--workspace", place.folder).error
    assert error == f"There is no search `{name}` here. Known: tiny."
    assert list(tmp_path.iterdir()) == []
    assert not list(place.folder.glob("mlflow*"))


@pytest.mark.parametrize("command", ["export", "register", "logs"])
def test_no_search_of_a_trial_is_called_so(call, place, tmp_path, command):
    options = ["--out", tmp_path / "model"] if command == "export" else []
    error = call(command, UNKNOWN, "0", *options, "--workspace", place.folder).error
    assert error == f"There is no search `{UNKNOWN}` here. Known: tiny."
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_no_text_are_no_name(call, place):
    for words in (["run", "--name", "\udcff"], ["fork", "tiny", "\udcff"]):
        error = call(*words, *(["--workspace", place.folder] if words[0] == "fork" else [])).error
        assert error == rf"{ALLOWED}Received: '\udcff'"
    error = call("status", "\udcff", "--workspace", place.folder).error
    assert error == r"There is no search `\udcff` here. Known: tiny."


def test_the_longest_name_is_taken(tmp_path):
    place = make_search(tmp_path, name="n" * 63)
    assert StudyReader(open_database(place.study_url), "n" * 63).trials()


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("folder/cats.npz", "cats"),
        ("my cats.npz", "my-cats"),
        ("żółw🙂.npz", "w-"),
        ("🙂", "search"),
        ("n" * 200, "n" * 63),
    ],
)
def test_images_of_any_name_name_a_search(dataset, name):
    assert _default_name(dataset) == name
