import numpy as np
import pytest

from vaemodels.data import load_dataset

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 3, 4), dtype=np.uint8)
LABELS = np.arange(40) % 4


def load(folder, **arrays):
    np.savez(folder / "own.npz", **arrays)
    return load_dataset(str(folder / "own.npz"), folder / "cache")


def test_keras_keys_keep_their_test_split(tmp_path):
    dataset = load(
        tmp_path,
        x_train=IMAGES[:30],
        y_train=LABELS[:30, None],  # as Keras stores CIFAR
        x_test=IMAGES[30:],
        y_test=LABELS[30:, None],
    )
    assert dataset.name == "own"
    np.testing.assert_array_equal(dataset.test.images[..., 0], IMAGES[30:])
    np.testing.assert_array_equal(dataset.test.labels, LABELS[30:])
    assert (len(dataset.train.images), len(dataset.validation.images)) == (23, 7)


def test_class_names_are_the_labels_of_the_file(tmp_path):
    dataset = load(tmp_path, images=IMAGES, labels=LABELS * 10 - 5)
    assert dataset.class_names == ("-5", "5", "15", "25")
    assert sorted(set(dataset.train.labels)) == [0, 1, 2, 3]


@pytest.mark.parametrize("keys", [{"images": IMAGES}, {"x_train": IMAGES, "x_test": IMAGES}])
def test_labels_may_be_absent(tmp_path, keys):
    dataset = load(tmp_path, **keys)
    assert (dataset.num_classes, dataset.class_names, dataset.train.labels) == (None, (), None)


def test_an_npy_file_is_images_alone(tmp_path):
    np.save(tmp_path / "own.npy", IMAGES)
    dataset = load_dataset(str(tmp_path / "own.npy"), tmp_path / "cache")
    assert (dataset.image_shape, dataset.num_classes) == ((3, 4, 1), None)
    assert len(dataset.train.images) == 24


@pytest.mark.parametrize(
    ("images", "dtype", "scale"),
    [
        (IMAGES, np.uint8, 255.0),
        (IMAGES.astype(np.int64), np.uint8, 255.0),
        (IMAGES / 255, np.float32, 1.0),
        ((IMAGES / 255).astype(np.float16), np.float32, 1.0),
        (np.stack([IMAGES] * 3, axis=-1), np.uint8, 255.0),
    ],
)
def test_pixels_are_bytes_or_float32(tmp_path, images, dtype, scale):
    dataset = load(tmp_path, images=images)
    assert (dataset.train.images.dtype, dataset.scale) == (dtype, scale)
    pixels = dataset.train.images / dataset.scale
    assert 0.0 <= pixels.min() < pixels.max() <= 1.0


NAN = np.full((40, 3, 4), np.nan)
REFUSED = {
    "floats of 0 .. 255": (
        {"images": IMAGES.astype(float)},
        r"own\.npz \(images\)\. Expected floats in \[0, 1\]\. Received: values from 0 to 255\.",
    ),
    "negative floats": (
        {"images": IMAGES / 255 - 0.5},
        r"\[0, 1\]\. Received: values from -0\.5 to",
    ),
    "NaN": ({"images": NAN}, r"\(images\)\. Expected floats in \[0, 1\]\. Received: NaN\."),
    "infinite": ({"images": np.full((40, 3, 4), np.inf)}, r"Received: values from inf to inf"),
    "negative integers": (
        {"images": IMAGES.astype(int) - 1},
        r"integers in 0 \.\. 255\. Received: values from -1 to 25",
    ),
    "text": ({"images": np.full((40, 3, 4), "a")}, r"integers .* or floats .*dtype=<U1"),
    "flat images": ({"images": IMAGES.reshape(40, 12)}, r"height, width\).*shape=\(40, 12\)"),
    "no image": ({"images": IMAGES[:0]}, r"none of them 0\. Received: shape=\(0, 3, 4\)"),
    "four channels": ({"images": np.zeros((9, 8, 8, 4))}, r"1 or 3\).*shape=\(9, 8, 8, 4\)"),
    "channels first": ({"images": np.zeros((9, 3, 8, 8))}, r"1 or 3\).*shape=\(9, 3, 8, 8\)"),
    "float labels": (
        {"images": IMAGES, "labels": LABELS / 2},
        r"own\.npz \(labels\)\. Expected integers\. Received: dtype=float64\.",
    ),
    "one-hot labels": (
        {"images": IMAGES, "labels": np.eye(4, dtype=int)[LABELS]},
        r"one per image, shape \(40,\)\. Received: shape=\(40, 4\)\.",
    ),
    "too few labels": (
        {"images": IMAGES, "labels": LABELS[:39]},
        r"\(labels\)\. Expected one per image, shape \(40,\)\. Received: shape=\(39,\)\.",
    ),
    "other keys": ({"x": IMAGES, "y": LABELS}, r"Expected the arrays x_train.*Received: x, y\."),
    "no array": ({}, r"Received: no array\."),
    "test images of another size": (
        {"x_train": IMAGES, "x_test": IMAGES[:, :2]},
        r"\(x_test\)\. Expected \(3, 4, 1\) uint8 as in x_train\. Received: \(2, 4, 1\) uint8\.",
    ),
    "test images of another type": (
        {"x_train": IMAGES, "x_test": IMAGES / 255},
        r"\(x_test\)\. Expected \(3, 4, 1\) uint8 as in x_train\. Received: \(3, 4, 1\) float32\.",
    ),
    "objects": ({"images": np.array([None] * 3)}, r"Expected a whole NumPy file of numbers"),
}


@pytest.mark.parametrize(("arrays", "message"), REFUSED.values(), ids=REFUSED)
def test_refuses_arrays_that_are_no_data_set(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message):
        load(tmp_path, **arrays)


@pytest.mark.parametrize("suffix", ["npz", "npy"])
@pytest.mark.parametrize("content", [b"", b"not numpy at all", None], ids=["empty", "text", "cut"])
def test_a_damaged_file_is_named(tmp_path, suffix, content):
    path = tmp_path / f"own.{suffix}"
    if content is None:
        with open(path, "wb") as file:
            np.savez(file, images=IMAGES) if suffix == "npz" else np.save(file, IMAGES)
        content = path.read_bytes()[:-60]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"Invalid file {path}\. Expected a whole NumPy file"):
        load_dataset(str(path), tmp_path / "cache")
