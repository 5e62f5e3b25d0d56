"""What a trial measures besides its losses: latent samplers on the same weights, extra metrics."""

import json

import numpy as np
import pytest

import vaemodels
from search.candidates import candidates, front_candidates, under
from search.errors import DataError, SearchError, StudyConfigError
from search.models.corners import corner_models
from search.models.images import ImageFolders, has_classes, load_images
from search.models.vocabulary import EXTRA_METRICS, IMAGE_METRICS, METRICS
from search.trial import Measurement, Trial
from tests.search.examples import make_study
from tests.workers import Worker, measured, take
from vaemodels.config import LatentSamplerConfig
from vaemodels.data import load_dataset

SAMPLERS = ["gaussian", "gaussian_mixture", "prior*100"]
MEASURE = {"every_epochs": 2, "num_images": 200}


def test_latent_samplers_are_compared_on_the_same_weights(tmp_path, folders):
    worker = Worker(tmp_path, folders, measure={**MEASURE, "latent_samplers": SAMPLERS})
    alone = Worker(tmp_path / "alone", folders, measure=MEASURE)
    found, expected = measured(worker.attempt()), measured(alone.attempt())
    for epoch in (2, 4):
        assert {k: v for k, v in found[epoch].items() if "@" not in k} == expected[epoch]
        fids = [found[epoch][f"fid@{name}"] for name in SAMPLERS]
        assert len({found[epoch]["fid"], *fids}) == 4
    rows = [Measurement(epoch, metrics, 0.0) for epoch, metrics in found.items()]
    trials = [Trial(0, {}, measurements=rows)]
    listed = candidates(worker.config, trials)
    assert [str(c) for c in listed[:4]] == ["0@2", *(f"0@2:{name}" for name in SAMPLERS)]
    assert listed[1].metrics["fid"] == found[2]["fid@gaussian"]
    assert listed[1].metrics["elbo"] == listed[0].metrics["elbo"]
    assert set(front_candidates(worker.config, trials)) <= {(0, 2), (0, 4)}


def test_the_trials_own_sampler_is_not_measured_twice(tmp_path, folders):
    measure = {**MEASURE, "latent_samplers": ["prior", "gaussian"]}
    metrics = measured(Worker(tmp_path, folders, measure=measure).attempt())[4]
    assert "fid@gaussian" in metrics
    assert "fid@prior" not in metrics


def test_scale_and_shift_are_params_like_others(tmp_path, folders):
    plain = measured(Worker(tmp_path / "a", folders, measure=MEASURE).attempt())[4]
    fixed = {"widths": [12], "batch_size": 64, "learning_rate": 0.003}
    moved = Worker(tmp_path / "b", folders, measure=MEASURE, fixed={**fixed, "latent_scale": 5.0})
    changed = measured(moved.attempt())[4]
    assert changed["elbo"] == plain["elbo"]
    assert changed["fid"] != plain["fid"]


def test_extra_metrics_are_measured_when_asked_for(tmp_path, folders):
    wanted = EXTRA_METRICS - {"disentanglement"}
    measure = {**MEASURE, "metrics": sorted(wanted), "latent_samplers": ["gaussian"]}
    metrics = measured(Worker(tmp_path, folders, measure=measure).attempt())[4]
    assert set(metrics) >= wanted
    assert {f"{name}@gaussian" for name in IMAGE_METRICS} <= set(metrics)
    assert all(np.isfinite(value) for value in metrics.values())
    assert metrics["log_likelihood"] > metrics["elbo"] - 1


def test_an_objective_is_measured_without_being_listed(tmp_path, folders):
    worker = Worker(
        tmp_path, folders, measure=MEASURE, objectives={"kid": "minimize", "recall": "maximize"}
    )
    metrics = measured(worker.attempt())[4]
    assert {"kid", "recall"} <= set(metrics)
    assert "density" not in metrics


@pytest.mark.parametrize("sampler", ["", "gaussian_mixture", "prior*2"])
def test_an_exported_model_generates_as_it_was_judged(tmp_path, folders, sampler):
    worker = Worker(tmp_path / "store", folders, measure=MEASURE)
    run = worker.attempt()
    list(measured(run))
    take(worker, tmp_path / "model", sampler=sampler)
    text = json.loads((tmp_path / "model" / "sampler.json").read_text())["latent_sampler"]
    assert text == (sampler or "prior")
    vae = vaemodels.load(tmp_path / "model")
    fitted = vaemodels.load_sampler(tmp_path / "model", vae)
    original = run._training._trainer.latent_sampler(LatentSamplerConfig.parse(text))
    noise = np.random.default_rng(0).standard_normal((5, fitted.noise_width)).astype("float32")
    np.testing.assert_allclose(fitted.draw(noise), original.draw(noise), atol=1e-5)


def test_a_sampler_that_the_model_cannot_have_is_refused(tmp_path, folders):
    worker = Worker(tmp_path / "store", folders, measure=MEASURE)
    list(measured(worker.attempt()))
    with pytest.raises(SearchError, match=r"`latent_sampler`.*Received: .*'normal'"):
        take(worker, tmp_path / "model", sampler="normal")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"measure": {"latent_samplers": ["normal"]}}, r"latent_samplers`.*or like 'prior\*100'"),
        ({"measure": {"latent_samplers": ["prior * 2"]}}, r"write 'prior \* 2' as prior\*2"),
        (
            {"measure": {"latent_samplers": ["prior*2"]}, "fixed": {"variant": "sbvae"}},
            r"`variant: sbvae` are weights that sum to 1, and prior\*2",
        ),
        (
            {"fixed": {"variant": "rae"}, "objectives": {"elbo": "maximize", "fid": "minimize"}},
            r"autoencoder \(`variant: rae`\) has no elbo",
        ),
        ({"measure": {"latent_samplers": ["copula", "copula"]}}, "names one of them twice"),
        ({"fixed": {"latent_scale": -1.0}}, "`scale`. Expected a finite number > 0"),
        ({"fixed": {"latent_sampler": "flow"}}, "`kind`. Expected one of 'prior'"),
    ],
)
def test_what_no_model_of_the_space_can_have_is_refused_at_once(changes, message):
    with pytest.raises(StudyConfigError, match=message):
        corner_models(make_study(**changes), (8, 8, 1))


@pytest.mark.parametrize(
    ("name", "message"), [("fid", "`fid` is always measured"), ("fdi", "measured by nothing")]
)
def test_metrics_that_cost_nothing_or_do_not_exist_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        make_study(measure={"metrics": [name]})


def test_a_model_that_ignores_its_images_raises_the_alarm(tmp_path, folders):
    fixed = {"widths": [12], "batch_size": 64, "learning_rate": 1e-5}
    metrics = measured(Worker(tmp_path, folders, measure=MEASURE, fixed=fixed).attempt())[4]
    assert metrics["collapse_alarms"] >= 1
    assert metrics["reconstruction_ratio"] > 0.95


def test_a_model_that_learns_raises_none(tmp_path, folders):
    fixed = {"widths": [64], "batch_size": 16, "learning_rate": 0.01, "variant": "ae"}
    metrics = measured(Worker(tmp_path, folders, measure=MEASURE, fixed=fixed).attempt())[4]
    assert metrics["collapse_alarms"] == 0
    assert metrics["reconstruction_ratio"] < 0.7


def test_disentanglement_is_measured_on_sprites_and_refused_elsewhere(tmp_path):
    dataset = load_dataset("sprites", tmp_path / "data")
    measure = {**MEASURE, "every_epochs": 4, "metrics": ["disentanglement"]}
    objectives = {"reconstruction_loss": "minimize"}
    sprites = ImageFolders(str(dataset.folder), None, str(tmp_path / "references"))
    worker = Worker(tmp_path, sprites, dataset="sprites", measure=measure, objectives=objectives)
    metrics = measured(worker.attempt())[4]
    assert 0.2 < metrics["disentanglement"] <= 1
    with pytest.raises(ValueError, match="`dataset: sprites`"):
        make_study(measure=measure)


def test_samplers_add_no_copies_where_no_objective_is_of_images(tmp_path, folders):
    measure = {**MEASURE, "latent_samplers": ["gaussian", "copula"]}
    objectives = {"elbo": "maximize", "num_parameters": "minimize"}
    worker = Worker(tmp_path, folders, measure=measure, objectives=objectives)
    rows = [Measurement(e, metrics, 0.0) for e, metrics in measured(worker.attempt()).items()]
    found = candidates(worker.config, [Trial(0, {}, measurements=rows)])
    assert [str(candidate) for candidate in found] == ["0@2", "0@4"]


def test_extra_metrics_stand_beside_their_standard_errors(tmp_path, folders):
    measure = {**MEASURE, "metrics": ["coverage", "knn_accuracy"], "latent_samplers": ["gaussian"]}
    metrics = measured(Worker(tmp_path, folders, measure=measure).attempt())[4]
    assert {"coverage_se", "coverage_se@gaussian", "knn_accuracy_se"} <= set(metrics)
    found = under("gaussian", metrics)
    assert found["coverage_se"] == metrics["coverage_se@gaussian"]


@pytest.mark.parametrize(
    ("labels", "objective"), [(None, "silhouette"), (np.zeros(60, int), "knn_accuracy")]
)
def test_objectives_that_need_classes_are_refused_without(tmp_path, labels, objective):
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8)).astype("uint8")
    arrays = {"images": images} if labels is None else {"images": images, "labels": labels}
    np.savez(tmp_path / "x.npz", **arrays)
    for name, message in ((objective, f"objective `{objective}` needs"), ("fid", "no feature")):
        config = make_study(
            dataset=str(tmp_path / "x.npz"), objectives={name: METRICS[name], "elbo": "maximize"}
        )
        with pytest.raises(DataError, match=message.replace("objective ", "which objective ")):
            load_images(config, tmp_path / "cache")
    config = make_study(dataset=str(tmp_path / "x.npz"), objectives={"elbo": "maximize"})
    assert not has_classes(load_images(config, tmp_path / "cache"))
