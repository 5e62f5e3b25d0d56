"""Presets at work, on small generated images in MNIST's format."""

import dataclasses
import math

import numpy as np
import pytest

from tests.idx_files import write_idx
from vaemodels.config import DenseConfig, TrainingConfig, VAEConfig
from vaemodels.data.load import read_source
from vaemodels.presets import PRESETS
from vaemodels.presets.calculations import calculate
from vaemodels.presets.figure import around, at_least, exact
from vaemodels.presets.images import linear_optimum, preset_images
from vaemodels.presets.judge import legacy_tvd
from vaemodels.presets.measures import published_units
from vaemodels.presets.outcome import outcomes
from vaemodels.presets.preset import Comparison, Preset, Training
from vaemodels.presets.running import Obtained, Runner

IMAGE = (28, 28, 1)
LOSS = (at_least("train_loss", None, 0.0),)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_idx(tmp_path_factory.mktemp("images") / "mnist")


@pytest.fixture(scope="module")
def source(folder):
    return read_source("mnist", folder)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _quick_extractor(monkeypatch):
    """What an extractor has learnt does not matter here."""
    monkeypatch.setattr("vaemodels.metrics.classifier.num_epochs", lambda num_images: 1)


def runner(folder, cache, **options):
    return Runner(cache, data_dir=folder, **options)


# Which images


def training(**changes):
    model = VAEConfig(IMAGE, 2)
    values = {"dataset": "mnist", "model": model, "training": TrainingConfig(3, batch_size=50)}
    return Training(**{**values, **changes})


def test_the_published_share_of_the_images_trains_and_the_rest_validates(source):
    images = preset_images(source, training(num_images=50_000), fast=False)
    assert (len(images.train), len(images.validation), len(images.test)) == (500, 100, 200)
    assert (images.num_train, images.num_published, images.is_complete) == (500, 50_000, False)
    np.testing.assert_array_equal(images.train, source.images[:500])
    np.testing.assert_array_equal(images.validation, source.images[500:600])


def test_where_all_images_train_the_test_images_validate(source):
    images = preset_images(source, training(), fast=False)
    assert len(images.train) == 600
    np.testing.assert_array_equal(images.validation, source.images[600:])


def test_the_thesis_goes_round_and_round_in_file_order(source):
    work = training(num_images=1000, steps_per_epoch=20)
    images = preset_images(source, work, fast=False)
    assert (len(images.train), images.num_train) == (1000, 600)
    np.testing.assert_array_equal(images.train[600:], source.images[:400])


def test_a_fast_run_takes_a_part(source):
    work = training(steps_per_epoch=500, training=TrainingConfig(10, batch_size=10))
    images = preset_images(source, work, fast=True)
    assert (images.epochs, len(images.train), images.num_train) == (2, 1000, 600)


def test_images_without_a_test_split_are_refused(source):
    with pytest.raises(ValueError, match="labelled images with a test split"):
        preset_images(dataclasses.replace(source, num_test=0), training(), fast=False)


# What is measured


def test_published_units_take_the_constant_of_the_gaussian_out():
    config = VAEConfig(IMAGE, 2, beta=0.5, likelihood="gaussian", variance=0.5)
    constant = 392 * math.log(math.pi)
    terms = {
        "loss": 30.0 + constant,
        "reconstruction_loss": 28.0 + constant,
        "kl_loss": 4.0,
        "beta_kl_loss": 2.0,
    }
    expected = {"loss": 30.0, "reconstruction": 28.0, "kl": 4.0, "beta_kl": 2.0}
    assert published_units(terms, config) == pytest.approx(expected)
    learned = VAEConfig(IMAGE, 2, likelihood="gaussian", variance="learned")
    assert published_units(terms, learned)["loss"] == terms["loss"]


def test_the_legacy_tvd_never_sees_class_0():
    real, zeros = np.array([0.2, 0.5, 0.3]), np.array([1.0, 0.0, 0.0])
    assert legacy_tvd(real, zeros) == pytest.approx(0.5)
    assert legacy_tvd(np.array([0.5, 0.25, 0.25]), np.array([0.1, 0.65, 0.25])) == pytest.approx(
        0.4
    )


def test_the_linear_optimum_of_images_that_are_exactly_linear():
    """Two directions of variance 4 and 9 over a noise of variance 1, on 4 pixels."""
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((40_000, 2)) * np.sqrt([3.0, 8.0])
    rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    pixels = codes @ rotation[:2] + rng.standard_normal((40_000, 4))
    loss, sigma = linear_optimum(pixels.reshape(-1, 2, 2, 1), 1.0, (0.0, 1.0), 2)
    entropy = 0.5 * (4 * math.log(2 * math.pi) + math.log(4 * 9) + 4)
    assert loss == pytest.approx(entropy, abs=0.02)
    assert sigma == pytest.approx(1.0, abs=0.01)


def test_bounds_that_are_computed_from_images(source):
    assert calculate("total_variance", source)["total_variance"] == pytest.approx(
        (source.images[600:] / 255.0).var(axis=0).sum()
    )
    assert math.isfinite(calculate("linear_optimum", source)["linear_optimum"])


# Runs


@pytest.mark.parametrize(
    "name",
    ["t001/ae", "t003/A", "t004/mlp-z2", "t000/vae-b0.2-legacy", "t000/sbvae-legacy"],
)
def test_a_fast_run_measures_every_figure_and_compares_what_holds(name, folder, cache):
    preset = PRESETS[name]
    obtained = runner(folder, cache, fast=True).run(preset)
    assert obtained.num_images == (500 if name == "t001/ae" else 600)
    assert (obtained.num_published, obtained.num_test) == (preset.work.num_images, 200)
    for outcome in outcomes(preset, obtained, fast=True):
        late = outcome.figure.measure.partition("@")[2] not in ("", "1", "2")
        assert (outcome.obtained is None) == late, outcome
        compared = outcome.figure.kind in ("E", "A")
        assert outcome.verdict == ("agrees" if compared else "not compared"), outcome


def short(name="x/a", figures=LOSS, **changes):
    halves = {"encoder": DenseConfig(()), "decoder": DenseConfig(())}
    model = VAEConfig(IMAGE, 1, **halves) if "model" not in changes else changes.pop("model")
    work = training(model=model, training=TrainingConfig(2, batch_size=50), **changes)
    return Preset(name, "a small one", "a test", work, tuple(figures))


def test_progress_and_seed(folder, cache):
    said = []
    preset = short(figures=[at_least("train_loss@1", None, 0.0), at_least("train_loss", None, 0.0)])
    options = {"progress": lambda *state: said.append(state)}
    first, same, other = (
        runner(folder, cache, seed=seed, **options).run(preset).values for seed in (0, 0, 1)
    )
    assert said[:3] == [(0, 2, "x/a, epoch 1"), (1, 2, "x/a, epoch 2"), (2, 2, "x/a")]
    assert first == same != other
    assert set(first) == {"train_loss@1", "train_loss"}


def test_a_comparison_runs_its_presets_once(folder, cache, monkeypatch):
    small, large = short("x/a"), short("x/b", model=VAEConfig(IMAGE, 4))
    monkeypatch.setitem(PRESETS, "x/a", small)
    monkeypatch.setitem(PRESETS, "x/b", large)
    work = Comparison({"gain": ("train_loss", "x/a", "x/b")})
    preset = Preset("x/c", "both", "a test", work, (at_least("gain", None, 0.0, "S"),))
    said = []
    run = runner(folder, cache, progress=lambda *state: said.append(state[2]))
    run.plan([small, preset])
    runs = {name: run.run(PRESETS[name]).values["train_loss"] for name in ("x/a", "x/b")}
    assert run.run(preset).values == {"gain": runs["x/a"] - runs["x/b"]}
    assert said.count("x/a, epoch 1") == said.count("x/b, epoch 1") == 1


def test_an_unknown_measure_is_refused(folder, cache):
    run = runner(folder, cache)
    with pytest.raises(ValueError, match="`measure`"):
        run.run(short(figures=[at_least("beauty", None, 0.0)]))


def test_fashion_mnist_is_not_read_from_mnists_folder(folder, cache):
    with pytest.raises(FileNotFoundError, match=r"no folder .*fashion-mnist\. Put the four"):
        runner(folder, cache).run(PRESETS["t000/vae-b0.2-legacy-fashion"])


# Verdicts


@pytest.mark.parametrize(
    ("figure", "value", "used", "fast", "verdict"),
    [
        (around("a", 10, 1), 10.5, 60_000, False, "agrees"),
        (around("a", 10, 1), 12.0, 60_000, False, "differs"),
        (around("a", 10, 1), 10.5, 600, False, "agrees"),
        (around("a", 10, 1), 12.0, 600, False, "differs"),
        (around("a", 10, 1), 10.5, 600, True, "not compared"),
        (around("a", 10, 1, "X"), 10.5, 60_000, False, "not compared"),
        (exact("a", 10), 11.0, 600, True, "differs"),
        (at_least("a", None, 0.0), -1.0, 600, True, "differs"),
        (around("a", 10, 1), float("nan"), 60_000, False, "differs"),
        (around("a", 10, 1), None, 60_000, False, "not compared"),
    ],
)
def test_verdicts(figure, value, used, fast, verdict):
    values = {} if value is None else {"a": value}
    preset = dataclasses.replace(short(), figures=(figure,))
    (outcome,) = outcomes(preset, Obtained(values, used, 60_000), fast=fast)
    assert outcome.verdict == verdict
    fewer = verdict == "differs" and figure.kind == "S" and used < 60_000
    assert bool(outcome.reason) == (verdict == "not compared" or fewer)
    assert not fewer or outcome.reason == "600 of 60,000 training images"
