"""The presets as data: complete, consistent, and nothing in them that cannot be measured."""

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from search.front import non_dominated
from search.models.reproducing import front_figures
from vaemodels.config import TrainingConfig, VAEConfig
from vaemodels.counts import count_parameters
from vaemodels.presets import PRESETS, select
from vaemodels.presets import thesis_tables as tables
from vaemodels.presets.calculations import calculate
from vaemodels.presets.figure import Figure, around, at_least, at_most, between, exact
from vaemodels.presets.preset import Calculation, Comparison, StoredGrid, Training

TRAININGS = [p for p in PRESETS.values() if isinstance(p.work, Training)]


def of_kind(kind):
    return [p for p in PRESETS.values() if isinstance(p.work, kind)]


# The catalogue


def test_every_row_of_the_four_studies_is_there():
    counts = Counter(name.split("/")[0] for name in PRESETS)
    assert counts == {"t000": 81, "t001": 6, "t003": 7, "t004": 7}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
class TestEveryPreset:
    def test_says_what_it_is_and_where_from(self, preset):
        assert preset.summary
        assert preset.source
        assert preset.figures

    def test_its_published_figures_agree_with_themselves(self, preset):
        for figure in preset.figures:
            assert figure.published is None or figure.agrees(figure.published), figure

    def test_nothing_is_named_that_is_not_there(self, preset):
        work = preset.work
        if isinstance(work, Comparison):
            assert set(work.presets) <= set(PRESETS)
            assert set(work.differences) == {f.measure for f in preset.figures}
        if isinstance(work, StoredGrid):
            assert work.front <= set(work.points)


@pytest.mark.parametrize("preset", TRAININGS, ids=lambda preset: preset.id)
def test_a_training_survives_json_and_has_the_published_number_of_weights(preset):
    model, training = preset.work.model, preset.work.training
    assert VAEConfig.from_json(model.to_json()) == model
    assert TrainingConfig.from_json(training.to_json()) == training
    counts = [f.published for f in preset.figures if f.measure == "parameters"]
    assert counts in ([], [count_parameters(model)])


def test_invalid_figures_are_those_of_mixed_feature_extractors():
    invalid = {p.id for p in PRESETS.values() if p.kind == "X"}
    assert invalid == {
        *(f"t000/cvae-b{beta}-legacy-fashion" for beta in ("0.2", "0.5", "2", "5")),
        "t000/cvae14-b0.2-legacy-fashion",
        "t000/sbvae-legacy-fashion",
        "t000/sbcvae-legacy-fashion",
    }


def test_training_lengths_are_the_published_ones():
    steps = {name: PRESETS[name].work.num_steps for name in PRESETS if name in STEPS}
    assert steps == STEPS


STEPS = {
    "t000/vae-b0.2-legacy": 5_000,
    "t000/mlp-7": 5_000,
    "t000/consistency-mlp-7": 5_000,
    "t000/long-mlp-9": 25_000,
    "t001/vae": 15_000,
    "t003/A": 93_700,
    "t004/mlp-z2": 46_850,
}


# Selection


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("t001/vae", ["t001/vae"]),
        ("t004/mlp-*", ["t004/mlp-z2", "t004/mlp-z5", "t004/mlp-z16"]),
        ("t000/grid*", ["t000/grid-mlp", "t000/grid-cvae"]),
        ("t003/", ["t003/params", "t003/A-optimum", *(f"t003/{name}" for name in "ABCDE")]),
    ],
)
def test_presets_are_selected_by_id_study_or_glob(pattern, names):
    assert [preset.id for preset in select(pattern)] == names


def test_exact_selects_what_has_no_noise():
    chosen = select("exact")
    assert {preset.kind for preset in chosen} == {"E"}
    assert {preset.work.__class__ for preset in chosen} == {Calculation, StoredGrid}
    assert len(chosen) == 9


def test_an_unknown_preset_is_refused_with_its_neighbours():
    with pytest.raises(ValueError, match=r"near: t001/negative-control\)\. Received: 'negative'"):
        select("negative")
    with pytest.raises(ValueError, match=r"`--list` shows all\)\. Received: 't009'"):
        select("t009")


def test_the_catalogue_needs_no_tensorflow():
    code = "import sys, vaemodels.presets; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Figures


@pytest.mark.parametrize(
    ("figure", "tolerance", "inside", "outside"),
    [
        (exact("a", 5), "+- 0", 5, 5.001),
        (exact("a", 10.1346312, 1e-4), "+- 0.0001", 10.13463, 10.1348),
        (around("a", 10, 1.5), "+- 1.5", 11.5, 11.6),
        (between("a", 142, 90, 230), "90 to 230", 229, 231),
        (at_least("a", None, -0.5), ">= -0.5", 9e9, -0.6),
        (at_most("a", 3, 4), "<= 4", -9e9, 4.1),
        (around("a", 1, 1), "+- 1", 1, float("nan")),
    ],
)
def test_tolerances(figure, tolerance, inside, outside):
    assert figure.tolerance == tolerance
    assert figure.agrees(inside)
    assert not figure.agrees(outside)


def test_impossible_figures_are_refused():
    with pytest.raises(ValueError, match="low <= high"):
        Figure("fid", 1.0, 2.0, 1.0)
    with pytest.raises(ValueError, match="`kind`"):
        Figure("fid", 1.0, 0.0, 2.0, "Q")


# Stored tables of the thesis


@pytest.mark.parametrize(
    ("grid", "front"),
    [
        (tables.MLP_GRID, {9, 7}),
        (
            tables.CVAE_GRID,
            {("16,32,63", "28"), ("16,p,32,p,60", "28"), ("16,32,63", "14")},
        ),
    ],
)
def test_our_pareto_fronts_of_the_printed_grids_are_the_published_ones(grid, front):
    chosen = non_dominated(list(grid.values()), ["minimize", "minimize"])
    assert {key for key, member in zip(grid, chosen, strict=True) if member} == front


@pytest.mark.parametrize("preset", of_kind(StoredGrid), ids=lambda preset: preset.id)
def test_a_stored_grid_gives_its_figures(preset):
    obtained = front_figures(preset.work)
    assert all(figure.agrees(obtained[figure.measure]) for figure in preset.figures)


def test_a_front_that_is_not_the_published_one_differs():
    grid = StoredGrid({"a": (1.0, 2.0), "b": (2.0, 1.0)}, frozenset({"a"}))
    assert front_figures(grid) == {"members": 2, "published_members": 1}


def test_the_printed_losses_of_the_stick_breaking_models_add_up():
    for loss, kl, sse, _ in tables.STICKS.values():
        np.testing.assert_allclose(loss - sse, kl, atol=1e-4)


@pytest.mark.parametrize(
    "preset",
    [p for p in of_kind(Calculation) if p.dataset is None],
    ids=lambda preset: preset.id,
)
def test_calculations_agree_with_what_was_published(preset):
    obtained = calculate(preset.work.name, None)
    for figure in preset.figures:
        assert figure.agrees(obtained[figure.measure]), (figure, obtained)


def test_an_unknown_calculation_is_refused():
    with pytest.raises(ValueError, match=r"`name`.*tvd_bug"):
        calculate("magic", None)
