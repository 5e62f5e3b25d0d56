import numpy as np
import pytest

from vaemodels.data import load_dataset
from vaemodels.metrics.extractor import Extractor
from vaemodels.metrics.image_quality import (
    ImageQuality,
    cached_image_quality,
    mean_image_ceiling,
    real_floor,
)
from vaemodels.metrics.recipes import build_network, recipe_for

NAMES = {"fid", "tvd", "max_class_gap"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return load_dataset("digits", tmp_path_factory.mktemp("data"))


def untrained(seed):
    """An extractor with random weights: the arithmetic around it needs no training."""
    trunk, head = build_network(recipe_for((8, 8, 1)), (8, 8, 1), num_classes=10, seed=seed)
    return Extractor((8, 8, 1), 10, trunk.get_weights() + head.get_weights(), 0.1, "0" * 64)


@pytest.fixture(scope="module")
def extractor():
    return untrained(seed=0)


@pytest.fixture(scope="module")
def quality(digits, extractor):
    return ImageQuality(extractor, digits.validation, digits.scale)


def test_the_reference_images_themselves_score_zero(digits, quality):
    images = digits.validation.images.astype(np.float32) / np.float32(digits.scale)
    values = quality.measure(images)
    assert values.keys() == NAMES
    assert values == {name: pytest.approx(0.0, abs=1e-6) for name in NAMES}


def test_real_images_lie_between_the_reference_and_the_mean_image(digits, quality):
    floor = real_floor(quality, digits.train, digits.scale)
    ceiling = mean_image_ceiling(quality, digits.train, digits.scale)
    assert floor.keys() == ceiling.keys() == NAMES
    assert 0.0 < floor["fid"] < 0.1 * ceiling["fid"]
    assert 0.0 < floor["tvd"] < 0.5 * ceiling["tvd"]


def test_fewer_real_images_are_spread_over_the_split(digits, quality):
    rows = np.linspace(0, 1077, 100).astype(int)
    images = digits.train.images[rows].astype(np.float32) / np.float32(digits.scale)
    assert real_floor(quality, digits.train, digits.scale, num_images=100) == quality.measure(
        images
    )


def test_the_ceiling_is_that_of_any_number_of_mean_images(digits, quality):
    mean = (digits.train.images.mean(axis=0, dtype=np.float64) / digits.scale).astype(np.float32)
    many = quality.measure(np.repeat(mean[None], 500, axis=0))
    ceiling = mean_image_ceiling(quality, digits.train, digits.scale)
    assert many == {name: pytest.approx(ceiling[name], rel=1e-6) for name in NAMES}


def test_the_reference_survives_a_file(digits, quality, extractor, tmp_path):
    quality.save(tmp_path / "reference.npz", digits.hash, "validation")
    loaded = ImageQuality.load(tmp_path / "reference.npz", extractor, digits.hash, "validation")
    images = np.random.default_rng(0).random((50, 8, 8, 1), dtype=np.float32)
    assert loaded.measure(images) == quality.measure(images)
    assert np.array_equal(loaded.frequencies, quality.frequencies)


def test_the_cache_computes_once_and_keeps_splits_and_extractors_apart(
    digits, extractor, tmp_path, monkeypatch
):
    kept = [
        cached_image_quality(one, digits, split, tmp_path).statistics.mean
        for one in (extractor, untrained(seed=1))
        for split in ("validation", "test")
    ]
    assert len({mean.tobytes() for mean in kept}) == len(list(tmp_path.iterdir())) == 4
    monkeypatch.setattr(Extractor, "features", None)  # from here on nothing may be computed
    again = cached_image_quality(extractor, digits, "validation", tmp_path)
    assert np.array_equal(again.statistics.mean, kept[0])


@pytest.mark.parametrize(
    ("seed", "data_hash", "split"), [(1, "d", "test"), (0, "e", "test"), (0, "d", "validation")]
)
def test_a_reference_of_something_else_is_refused(quality, tmp_path, seed, data_hash, split):
    quality.save(tmp_path / "reference.npz", "d", "test")
    with pytest.raises(ValueError, match=r"Expected reference statistics of .*Received: "):
        ImageQuality.load(tmp_path / "reference.npz", untrained(seed), data_hash, split)


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_damaged_reference_is_named(extractor, tmp_path, content):
    (tmp_path / "reference.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"Invalid file .*reference\.npz.*Delete it"):
        ImageQuality.load(tmp_path / "reference.npz", extractor, "d", "test")


def test_a_missing_reference_is_a_missing_file(extractor, tmp_path):
    with pytest.raises(FileNotFoundError, match="reference"):
        ImageQuality.load(tmp_path / "reference.npz", extractor, "d", "test")


def test_refuses_an_unknown_split(digits, extractor, tmp_path):
    with pytest.raises(ValueError, match=r"`split_name`.*'validation'.*split_name='valid'"):
        cached_image_quality(extractor, digits, "valid", tmp_path)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((0, 8, 8, 1), np.float32), "num_images >= 1"),
        (np.zeros((1, 8, 8, 1), np.float32), "num_images >= 2"),
        (np.full((5, 8, 8, 1), np.nan, np.float32), "did training diverge"),
        (np.zeros((5, 9, 8, 1), np.float32), r"8, 8, 1\)\. Received: \(5, 9, 8, 1\)"),
    ],
)
def test_refuses_images_it_cannot_measure(quality, images, message):
    with pytest.raises(ValueError, match=message):
        quality.measure(images)
