"""Every analysis of every variant, as files that a person opens."""

import json
import math
import re

import numpy as np
import pytest
from PIL import Image

from vaemodels import DenseConfig, Trainer, TrainingConfig, VAEConfig
from vaemodels.analysis.report import analyze
from vaemodels.analysis.subject import AnalysisImages, Subject
from vaemodels.config import VARIANTS, LatentSamplerConfig
from vaemodels.data.digits import read_digits

CURVE = [(1, 30.0, 0.3), (2, 20.0, 0.2), (3, 10.0, 0.25), (4, math.nan, 0.1)]
CLASSES = {"Class centroids", "Silhouettes"}
FROM_CODES = {
    "Reconstructions",
    "Use of the latents",
    "Latent space",
    "Interpolation",
    "Noise on codes",
}
ALL = CLASSES | FROM_CODES | {"Samples", "Manifold", "Limiting distribution"}


@pytest.fixture(autouse=True)
def coarse_pictures(monkeypatch):
    """Most of the time would go into pixels that nobody looks at, and into late iterations."""
    monkeypatch.setattr("vaemodels.analysis.drawing._DPI", 40)
    monkeypatch.setattr("vaemodels.analysis.drawing._SHEET_PIXELS", 300)
    monkeypatch.setattr("vaemodels.analysis.fixed_point_report._ITERATIONS", 10)
    monkeypatch.setattr("vaemodels.analysis.fixed_point_report._SHOWN", (0, 10))


@pytest.fixture(scope="module")
def digits():
    source = read_digits()
    return source.images.astype(np.float32) / source.scale, source.labels


def model(digits, epochs=2, **settings):
    """Returns a small model at work, trained for a moment."""
    layers = {"encoder": DenseConfig((32,)), "decoder": DenseConfig((32,))}
    config = VAEConfig((8, 8, 1), **{"latent_dim": 4, "num_components": 3, **settings}, **layers)
    training = TrainingConfig(epochs=2, batch_size=64, learning_rate=3e-3)
    trainer = Trainer(config, training, digits[0][200:], 1.0)
    for _ in range(epochs):
        trainer.run_epoch()
    return trainer.inference


@pytest.fixture(scope="module")
def vae(digits):
    return model(digits)


def images(digits, count=24, labels=True):
    return AnalysisImages(
        digits[0][:count], 1.0, digits[1][:count] if labels else None, (), digits[0][200:400]
    )


def check_files(report):
    """Checks that every picture opens and shows something, and that the page stands alone."""
    files = [name for result in report.results.values() for name in result.pictures]
    for name in files:
        with Image.open(report.folder / name) as picture:
            pixels = np.asarray(picture.convert("L"))
        assert min(pixels.shape) > 30, name
        assert pixels.std() > 5, f"{name} is blank"
    assert {p.name for p in report.folder.iterdir()} == {"index.html", "numbers.json", *files}
    text = report.page.read_text()
    assert re.findall(r'src="([^"]+)"', text) == files
    assert not re.search(r"https?:|<script|<link|@import|url\(", text)
    numbers = json.loads((report.folder / "numbers.json").read_text(), parse_constant=pytest.fail)
    assert set(numbers["analyses"]) == set(report.results)
    for result in report.results.values():
        for finding in result.findings:
            assert finding.label in text.replace("&#x27;", "'").replace("&quot;", '"')
            assert math.isfinite(finding.estimate.value)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_can_be_analyzed(variant, digits, tmp_path):
    subject = Subject(model(digits, variant=variant), images(digits))
    report = analyze(subject, tmp_path / "out", name=variant, quality_by_epoch=CURVE)
    if variant == "legacy_sbvae":  # gives every image one code, and that must be said
        assert any("ignores the image" in alarm for alarm in report.alarms)
        assert report.absent == {"Latent space": "All images have the same code."}
        assert "ignores the image" in report.page.read_text()
    else:
        assert report.absent == {}
        assert set(report.results) == ALL | {"FID and TVD by epoch"}
    check_files(report)


@pytest.mark.parametrize(("latent_dim", "variant"), [(1, "vae"), (2, "vae"), (2, "sbvae")])
def test_small_latent_spaces_are_drawn_as_they_are(latent_dim, variant, digits, tmp_path):
    inference = model(digits, latent_dim=latent_dim, variant=variant)
    samplers = [LatentSamplerConfig.parse(t) for t in ("prior", "prior*100", "prior+2")]
    chosen = samplers if variant == "vae" else samplers[:1]
    report = analyze(Subject(inference, images(digits), chosen), tmp_path / "out")
    assert set(report.results) == ALL
    check_files(report)


def test_without_images_there_are_samples_and_the_limiting_distribution(vae, tmp_path):
    report = analyze(Subject(vae, None), tmp_path)
    assert set(report.results) == {"Samples", "Limiting distribution"}
    assert report.absent["Reconstructions"] == "No images were given."
    assert "FID and TVD are known of 0 epochs" in report.absent["FID and TVD by epoch"]
    check_files(report)


def test_without_labels_analyses_of_classes_are_left_out(vae, digits, tmp_path):
    report = analyze(Subject(vae, images(digits, labels=False)), tmp_path)
    assert {t for t, r in report.absent.items() if r == "The images have no labels."} == CLASSES
    assert "The images have no labels." in report.page.read_text()
    check_files(report)


def test_one_class_has_no_silhouettes(vae, digits, tmp_path):
    data = AnalysisImages(digits[0][:20], labels=np.zeros(20, np.int64))
    report = analyze(Subject(vae, data), tmp_path)
    assert {report.absent[t] for t in CLASSES} == {"All images are of one class."}
    check_files(report)


def test_one_image_is_enough_for_something(vae, digits, tmp_path):
    report = analyze(Subject(vae, images(digits, count=1)), tmp_path)
    assert set(report.results) == {"Reconstructions", "Samples", "Limiting distribution"}
    assert report.absent["Interpolation"] == "It needs at least 2 images; there is 1."
    check_files(report)


def test_equal_images_have_no_variance_to_explain(vae, digits, tmp_path):
    data = AnalysisImages(np.repeat(digits[0][:1], 12, axis=0))
    report = analyze(Subject(vae, data), tmp_path)
    assert report.absent["Use of the latents"] == "All images are the same."
    assert report.absent["Latent space"] == "All images have the same code."
    check_files(report)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((0, 8, 8, 1), np.float32)}, r"num_images >= 1"),
        ({"images": np.full((3, 8, 8, 1), np.nan, np.float32)}, "NaN or infinite"),
        ({"images": np.full((3, 8, 8, 1), 2.0, np.float32)}, r"floats in \[0, 1\]"),
        ({"images": np.zeros((3, 64), np.float32)}, "height"),
        ({"labels": np.zeros(2, np.int64)}, "one integer per image"),
        ({"labels": np.array([0, -1, 1])}, "integers >= 0"),
        ({"scale": 0.0}, "`scale`"),
    ],
)
def test_images_that_are_none_are_refused(changes, message):
    good = {"images": np.zeros((3, 8, 8, 1), np.float32), "labels": np.arange(3)}
    with pytest.raises(ValueError, match=message):
        AnalysisImages(**{**good, **changes})


def test_images_of_another_shape_are_refused(vae):
    with pytest.raises(ValueError, match=r"the model's shape, \(8, 8, 1\)"):
        Subject(vae, AnalysisImages(np.zeros((3, 9, 9, 1), np.float32)))


@pytest.mark.parametrize(
    ("settings", "sampler", "message"),
    [
        ({"variant": "sbvae"}, "prior*100", "no scale and no shift"),
        ({}, "gaussian_mixture", "needs training images"),
    ],
)
def test_a_latent_sampler_that_is_impossible_is_refused(digits, settings, sampler, message):
    inference = model(digits, epochs=0, **settings)
    with pytest.raises(ValueError, match=message):
        Subject(inference, None, [LatentSamplerConfig.parse(sampler)])


def test_a_model_that_has_diverged_is_refused(digits):
    inference = model(digits, epochs=0)
    for weight in inference.vae.trainable_variables:
        weight.assign(np.full(weight.shape, np.nan))
    with pytest.raises(ValueError, match="Did training diverge"):
        Subject(inference, images(digits))


def test_a_folder_that_holds_something_is_left_alone(vae, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="not empty"):
        analyze(Subject(vae, None), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_progress_is_told_and_names_are_escaped(vae, tmp_path):
    told = []
    report = analyze(
        Subject(vae, None), tmp_path, name="<b>&", progress=lambda *news: told.append(news)
    )
    assert [done for _, done, _ in told] == list(range(12))
    assert {total for _, _, total in told} == {11}
    assert "<b>" not in report.page.read_text()
