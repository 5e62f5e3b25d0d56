import json
from pathlib import Path

import numpy as np
import pytest

from vaemodels.data import load_dataset
from vaemodels.metrics.extractor import Extractor, train_extractor
from vaemodels.metrics.recipes import build_network, num_epochs, recipe_for

DATA_DIR = Path(__file__).parents[3] / "shared" / "data"


def write_blocks(path, labels=True):
    """60 noisy 6x6 images whose left or right half is bright: easy to tell apart."""
    classes = np.arange(60) % 2
    images = np.random.default_rng(0).integers(0, 60, (60, 6, 6), dtype=np.uint8)
    images[classes == 0, :, :3] += 180
    images[classes == 1, :, 3:] += 180
    np.savez(path, images=images, **({"labels": classes} if labels else {}))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blocks")
    write_blocks(folder / "blocks.npz")
    return load_dataset(str(folder / "blocks.npz"), folder)


@pytest.fixture(scope="module")
def extractor(dataset):
    return train_extractor(dataset)


@pytest.fixture
def images():
    return np.random.default_rng(1).random((601, 6, 6, 1), dtype=np.float32)


def test_learns_and_counts_epochs(dataset, extractor):
    epochs = []
    again = train_extractor(dataset, progress=lambda *now: epochs.append(now))
    assert epochs == [(epoch, 60) for epoch in range(1, 61)]
    assert again.hash == extractor.hash
    assert (extractor.test_accuracy, extractor.data_hash) == (1.0, dataset.hash)
    assert train_extractor(dataset, seed=1).hash != extractor.hash


def test_features_have_the_promised_shapes(extractor, images):
    features, classes = extractor.features(images)
    assert (features.shape, features.dtype) == ((601, 64), np.float32)
    assert (classes.shape, classes.dtype) == ((601,), np.int64)
    assert features.min() >= 0.0
    assert (extractor.num_features, extractor.num_classes) == (64, 2)


@pytest.mark.parametrize("count", [1, 249, 250, 251])
def test_features_do_not_depend_on_how_many_images_there_are(extractor, images, count):
    for whole, part in zip(
        extractor.features(images), extractor.features(images[:count]), strict=True
    ):
        assert np.array_equal(whole[:count], part)


def test_survives_a_folder_bit_for_bit(extractor, images, tmp_path):
    extractor.save(tmp_path / "extractor")
    extractor.save(tmp_path / "extractor")  # a second worker had the same idea
    loaded = Extractor.load(tmp_path / "extractor")
    assert loaded.hash == extractor.hash
    assert loaded.test_accuracy == extractor.test_accuracy
    assert loaded.image_shape == (6, 6, 1)
    assert np.array_equal(loaded.features(images)[0], extractor.features(images)[0])


def test_refuses_to_replace_another_extractor(dataset, extractor, tmp_path):
    train_extractor(dataset, seed=1).save(tmp_path / "extractor")
    with pytest.raises(ValueError, match=rf"`folder`.*this extractor, {extractor.hash[:12]}"):
        extractor.save(tmp_path / "extractor")


def change_a_weight(folder):
    with np.load(folder / "extractor.npz") as file:
        arrays = dict(file)
    arrays["weight_0"][0, 0, 0, 0] += 1e-6
    np.savez(folder / "extractor.npz", **arrays)


def change_description(**changes):
    def act(folder):
        path = folder / "extractor.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return act


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (change_a_weight, ValueError, r"Expected weights with the hash .*damaged or were mixed up"),
        (change_description(num_classes=3), ValueError, r"Expected weights with the hash"),
        (change_description(recipe_version=0), ValueError, r"version 1\. Received: 0\. Train it"),
        (lambda f: (f / "extractor.json").write_text("{"), ValueError, "JSONDecodeError"),
        (lambda f: (f / "extractor.npz").write_bytes(b""), ValueError, r"Invalid extractor in .*"),
        (lambda f: (f / "extractor.npz").unlink(), ValueError, "FileNotFoundError"),
        (lambda f: (f / "extractor.json").unlink(), FileNotFoundError, "There is no extractor in"),
    ],
)
def test_a_damaged_folder_is_refused(extractor, tmp_path, damage, error, message):
    extractor.save(tmp_path / "extractor")
    damage(tmp_path / "extractor")
    with pytest.raises(error, match=message):
        Extractor.load(tmp_path / "extractor")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((3, 6, 6)), r"Expected \(num_images >= 1, 6, 6, 1\)\. Received: \(3, 6, 6\)"),
        (np.zeros((0, 6, 6, 1)), r"Received: \(0, 6, 6, 1\)"),
        (np.full((2, 6, 6, 1), 255.0), r"\[0, 1\]\. Received: values from 255 to 255"),
        (np.full((2, 6, 6, 1), np.nan), r"\[0, 1\]\. Received: values from nan to nan"),
    ],
)
def test_refuses_what_are_no_images(extractor, bad, message):
    with pytest.raises(ValueError, match=message):
        extractor.features(bad)


def test_refuses_a_data_set_without_labels(tmp_path):
    write_blocks(tmp_path / "a.npz", labels=False)
    dataset = load_dataset(str(tmp_path / "a.npz"), tmp_path)
    with pytest.raises(ValueError, match=r"Expected labels of at least 2 classes.*'a' with None"):
        train_extractor(dataset)


def test_refuses_a_negative_seed(dataset):
    with pytest.raises(ValueError, match=r"`seed`.*>= 0.*seed=-1"):
        train_extractor(dataset, seed=-1)


@pytest.mark.parametrize(
    ("image_shape", "name", "num_convolutions"),
    [
        ((28, 28, 1), "thesis", 2),
        ((28, 28, 3), "thesis", 2),
        ((8, 8, 1), "small", 2),
        ((1, 16, 2), "small", 2),
        ((15, 11, 3), "small", 2),
        ((17, 5, 1), "general", 2),
        ((32, 32, 3), "general", 3),
        ((64, 48, 3), "general", 4),
    ],
)
def test_every_image_shape_has_a_recipe(image_shape, name, num_convolutions):
    recipe = recipe_for(image_shape)
    trunk, head = build_network(recipe, image_shape, num_classes=4, seed=0)
    assert (recipe.name, len(recipe.filters)) == (name, num_convolutions)
    assert (trunk.output_shape, head.output_shape) == ((None, 64), (None, 4))


def test_the_thesis_network_has_its_published_size():
    trunk, head = build_network(recipe_for((28, 28, 1)), (28, 28, 1), num_classes=10, seed=0)
    assert trunk.count_params() + head.count_params() == 56_714


@pytest.mark.parametrize(
    ("num_images", "epochs"), [(36, 60), (1078, 60), (3000, 21), (17_699, 10), (55_000, 10)]
)
def test_small_data_sets_are_shown_more_often(num_images, epochs):
    assert num_epochs(num_images) == epochs


@pytest.mark.slow
def test_digits_are_recognised(tmp_path):
    assert train_extractor(load_dataset("digits", tmp_path)).test_accuracy >= 0.97


@pytest.mark.slow
@pytest.mark.skipif(not (DATA_DIR / "mnist").is_dir(), reason="needs the MNIST files")
def test_mnist_is_recognised(tmp_path):
    dataset = load_dataset("mnist", tmp_path, data_dir=DATA_DIR)
    extractor = train_extractor(dataset)
    assert extractor.test_accuracy >= 0.98
