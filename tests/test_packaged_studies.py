"""The studies that come with the program: reached by name, possible, and as published."""

from pathlib import Path

import pytest

from search.errors import NotFoundError
from search.grid import grid_points
from search.models.corners import corner_models
from search.study_file import (
    builtin_study,
    load_study,
    packaged_studies,
    packaged_study,
    packaged_text,
)
from tests.commands import Commands
from tests.idx_files import write_idx
from vaemodels.presets import thesis_tables


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    return Commands(monkeypatch, capsys, tmp_path)


def test_two_studies_come_with_the_program():
    assert packaged_studies() == ["digits", "thesis"]
    assert builtin_study() == packaged_study("digits")
    with pytest.raises(NotFoundError, match=r"No study 'nope' comes.*digits, thesis do"):
        packaged_text("nope")


def test_a_study_is_found_by_its_name_unless_a_file_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_study(Path("thesis")) == packaged_study("thesis")
    Path("thesis").write_text(packaged_text("digits"))
    assert load_study(Path("thesis")) == builtin_study()


def test_the_thesis_study_has_the_17_models_of_its_grid():
    study = packaged_study("thesis")
    depths = [
        point["widths"].count("-") + 1 for point in grid_points(study.parameters, study.fixed)
    ]
    assert sorted(depths) == sorted(thesis_tables.MLP_GRID)
    assert study.budget.trials == len(depths)
    counts = {count for count, _ in corner_models(study, (28, 28, 1))}
    assert len(counts) == 17
    assert 416_969 in counts


def test_init_writes_any_of_them(command):
    assert command("init", "--study", "thesis", "mine.yaml").status == 0
    assert load_study(Path("mine.yaml")) == packaged_study("thesis")
    assert command("init", "--study", "nope", "x.yaml").error.startswith("No study 'nope'")
    assert not Path("x.yaml").exists()


def test_without_images_the_thesis_study_says_what_it_needs(command):
    Path("empty").mkdir()
    refused = command("run", "thesis", "--data-dir", "empty").error
    assert "train-images-idx3-ubyte.gz" in refused


@pytest.mark.slow  # builds and trains two models
def test_check_of_the_thesis_study_with_images(command, tmp_path):
    folder = write_idx(tmp_path / "mnist")
    shown = command("check", "thesis", "--data-dir", folder)
    assert "thesis: thesis is fine. 450 training images of 28x28x1, sampler grid" in shown.out
    assert shown.out.endswith(f"Next: vaesearch run thesis --data-dir {folder}\n")
