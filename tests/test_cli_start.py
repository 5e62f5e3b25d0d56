"""The commands that come before a search: what they write, and what they refuse to start."""

from pathlib import Path

import pytest

from search.study_file import builtin_study, load_study
from search.workspace import Workspace
from tests.commands import Commands


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    return Commands(monkeypatch, capsys, tmp_path)


# init and study files


def test_init_writes_the_built_in_study(command):
    said = command("init")
    assert said.status == 0
    assert "vaesearch check study.yaml" in said.out
    assert load_study(Path("study.yaml")) == builtin_study()


def test_init_replaces_nothing_unless_told_to(command):
    Path("mine.yaml").write_text("precious")
    assert "mine.yaml is there already" in command("init", "mine.yaml").error
    assert Path("mine.yaml").read_text() == "precious"
    assert command("init", "mine.yaml", "--force").status == 0
    assert load_study(Path("mine.yaml")) == builtin_study()


def test_init_says_why_it_cannot_write(command):
    assert command("init", "nowhere/study.yaml").error.startswith("Cannot write nowhere/study.yaml")


@pytest.mark.parametrize("name", ["run", "check"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nmae: x\n", r"study.yaml:1"),
        ("name: x\ndataset: digits\nbudgets: {trials: 3}\n", "Did you mean `budget`"),
        ("name: [", "not valid YAML"),
        ("", "`vaesearch init` writes"),
    ],
)
def test_a_wrong_study_file_is_refused_with_its_line(command, name, text, said):
    Path("study.yaml").write_text(text)
    refused = command(name, "study.yaml").error
    assert refused.startswith("study.yaml:")
    assert said in refused
    assert list(Path().iterdir()) == [Path("study.yaml")]


def test_a_missing_study_file_is_named(command):
    assert "Cannot read the study file no.yaml" in command("run", "no.yaml").error


# Data


def no_network(monkeypatch):
    """Sends downloads to a port where nothing listens, and forgets earlier ones."""
    monkeypatch.setenv("KERAS_HOME", str(Path.cwd() / "keras"))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dataset", "no.npz"], "'no.npz'. Expected digits, sprites, mnist"),
        (["--dataset", "mnist"], "Cannot download 'mnist'"),
        (["--dataset", "mnist", "--data-dir", "empty"], "train-images-idx3-ubyte.gz"),
        (["--dataset", "notes.txt"], "ends in '.txt'"),
        (["--dataset", "torn.npz"], "torn.npz"),
    ],
)
def test_images_that_cannot_be_used_start_no_search(command, monkeypatch, options, said):
    no_network(monkeypatch)
    Path("empty").mkdir()
    Path("notes.txt").write_text("no images")
    Path("torn.npz").write_bytes(b"PK\x03\x04torn")
    assert said in command("run", *options).error
    assert not Workspace.at(None).study_file.exists()


@pytest.mark.parametrize(("sampler", "said"), [("grid", "finitely many values"), ("gp", "gp")])
def test_a_sampler_that_cannot_work_starts_no_search(command, sampler, said, monkeypatch):
    monkeypatch.setattr("search.samplers.importlib.util.find_spec", lambda _: None)
    assert said in command("run", "--sampler", sampler).error
    assert not Workspace.at(None).study_file.exists()


def test_a_truncated_idx_file_is_named_and_starts_no_search(command):
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (10, 28, 28))
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        Path(f"{name}-ubyte").write_bytes(header + bytes(100))
    refused = command("run", "--dataset", "mnist", "--data-dir", ".").error
    assert "train-images-idx3-ubyte. Expected 16 bytes of header and 7840 of data" in refused
    assert not Workspace.at(None).study_file.exists()


@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_space_with_an_impossible_model_is_refused_before_anything_starts(command, verb):
    space = "kernel_size: {type: int, low: 3, high: 9}"
    fixed = "{backbone: conv, padding: valid}"
    Path("s.yaml").write_text(f"name: x\ndataset: digits\nspace: {{{space}}}\nfixed: {fixed}\n")
    refused = command(verb, "s.yaml").error
    assert "impossible model, kernel_size=9" in refused
    assert not Workspace.at(None).study_file.exists()
    assert "9 x 9 window to 8 x 8 pixels" in refused


@pytest.mark.slow  # builds and trains two models
def test_check_tells_what_a_study_costs(command):
    command("init", "study.yaml")
    shown = command("check", "study.yaml")
    assert "digits is fine. 1,078 training images of 8x8x1" in shown.out
    for word in ("smallest model", "largest model", "time:", "memory:", "disk:"):
        assert word in shown.out
    assert shown.out.endswith("Next: vaesearch run study.yaml\n")
