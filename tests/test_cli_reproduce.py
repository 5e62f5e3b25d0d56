"""`vaesearch reproduce`: what it lists, runs, says and refuses."""

import json
from pathlib import Path

import pytest

from tests.commands import Commands
from tests.idx_files import write_idx
from vaemodels.presets import PRESETS


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    return Commands(monkeypatch, capsys, tmp_path)


def test_the_list_has_every_preset_with_class_and_time(command):
    shown = command("reproduce", "--list").out
    assert all(name in shown for name in PRESETS)
    assert "101 presets" in shown
    assert "E exact, A bound, S stochastic, X invalid" in shown
    assert list(Path().iterdir()) == []


def test_the_list_of_a_study_as_json(command):
    listed = json.loads(command("reproduce", "t003", "--list", "--json").out)
    assert [entry["id"] for entry in listed][:2] == ["t003/params", "t003/A-optimum"]
    assert listed[0]["kind"] == "E"
    assert listed[2]["dataset"] == "mnist"


def test_an_exact_preset_needs_no_images(command):
    done = command("reproduce", "t003/params")
    assert done.status == 0
    assert "no images needed" in done.out
    assert "29,033" in done.out
    assert "5 agree, 0 differ, 0 not compared." in done.out


def test_all_exact_presets_agree(command):
    done = command("reproduce", "exact", "--json")
    rows = [row for preset in json.loads(done.out) for row in preset["rows"]]
    assert len(rows) > 25
    assert {row["verdict"] for row in rows} == {"agrees"}


def test_a_fast_run_states_its_images_and_compares_only_what_holds(command, tmp_path):
    folder = write_idx(tmp_path / "files" / "mnist")
    done = command("reproduce", "t003/A", "--fast", "--data-dir", folder)
    assert done.status == 0
    assert "600 of 60,000 training images, 18 steps, 200 test images, seed 0" in done.out
    assert "not compared (fast)" in done.out
    assert "2 agree, 0 differ, 1 not compared." in done.out
    assert "t003/A: 1/2" in done.err


def test_figures_that_differ_are_no_error(command, monkeypatch):
    monkeypatch.setattr("vaemodels.presets.calculations._CLASS_COUNTS", (5000, 5000))
    done = command("reproduce", "t000/tvd-bug")
    assert done.status == 0
    assert "0 agree, 2 differ" in done.out


def test_presets_without_images_are_named_and_the_others_run(command, tmp_path, monkeypatch):
    folder = write_idx(tmp_path / "mnist")
    names = ("t000/vae-b2-legacy-fashion", "t000/tvd-bug")
    two = {name: PRESETS[name] for name in names}
    monkeypatch.setattr("vaemodels.presets.catalogue.PRESETS", two)
    done = command("reproduce", "t000", "--data-dir", folder)
    assert done.status == 1
    assert "t000/vae-b2-legacy-fashion" in done.out
    assert "not run: There is no folder" in done.out
    assert "2 agree, 0 differ" in done.out
    assert "Not run: 1 of 2 presets. There is no folder" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["t009"], "Invalid preset. Expected an id, a study such as t003"),
        (["t009", "--list"], "Invalid preset"),
    ],
)
def test_unknown_presets_are_refused(command, arguments, said):
    assert command("reproduce", *arguments).error.startswith(said)


def test_missing_and_damaged_images_are_errors_of_one_line(command):
    Path("mnist").mkdir()
    refused = command("reproduce", "t003/A-optimum", "--data-dir", "mnist")
    assert refused.status == 1
    assert "train-images-idx3-ubyte.gz" in refused.err
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        Path(f"mnist/{name}-ubyte").write_bytes(b"torn")
    assert "starts with" in command("reproduce", "t003/A-optimum", "--data-dir", "mnist").error


def test_without_a_preset_it_says_how_to_go_on(command):
    refused = command("reproduce")
    assert refused.status == 2
    assert "--list" in refused.err


def test_ctrl_c_says_how_to_go_on(command, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("search.cli.reproduce.run_presets", interrupted)
    done = command("reproduce", "exact")
    assert done.status == 130
    assert done.err.splitlines()[-1].startswith("Ended at once. `vaesearch resume NAME` goes on")
