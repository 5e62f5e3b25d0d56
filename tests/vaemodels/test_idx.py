import gzip
import struct

import numpy as np
import pytest

from vaemodels.data import load_dataset
from vaemodels.data.idx import IDX_FILES, read_idx

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = IDX_FILES


def idx_bytes(array, type_code=8):
    return (
        struct.pack(f">BBBB{array.ndim}I", 0, 0, type_code, array.ndim, *array.shape)
        + array.tobytes()
    )


def write(folder, name, array):
    with gzip.open(folder / name, "wb") as file:
        file.write(idx_bytes(array.astype(np.uint8)))


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    write(tmp_path, TRAIN_IMAGES, rng.integers(0, 256, (80, 28, 28)))
    write(tmp_path, TRAIN_LABELS, np.arange(80) % 10)
    write(tmp_path, TEST_IMAGES, rng.integers(0, 256, (20, 28, 28)))
    write(tmp_path, TEST_LABELS, np.arange(20) % 10)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "first_class"), [("mnist", "0"), ("fashion-mnist", "T-shirt/top")]
)
def test_reads_the_four_files(folder, name, first_class):
    dataset = load_dataset(name, folder / "cache", data_dir=folder)
    assert (dataset.image_shape, dataset.scale, dataset.num_classes) == ((28, 28, 1), 255.0, 10)
    assert dataset.class_names[0] == first_class
    assert [len(s.images) for s in (dataset.train, dataset.validation, dataset.test)] == [
        60,
        20,
        20,
    ]
    np.testing.assert_array_equal(
        dataset.test.images[..., 0], read_idx(folder / TEST_IMAGES, num_dims=3)
    )
    np.testing.assert_array_equal(dataset.test.labels, np.arange(20) % 10)
    assert np.bincount(dataset.validation.labels).tolist() == [2] * 10


def test_reads_unpacked_files_and_a_subfolder_named_like_the_data_set(folder):
    expected = load_dataset("mnist", folder / "cache", data_dir=folder).hash
    (folder / "mnist").mkdir()
    for name in IDX_FILES:
        content = gzip.decompress((folder / name).read_bytes())
        (folder / "mnist" / name.removesuffix(".gz")).write_bytes(content)
        (folder / name).unlink()
    assert load_dataset("mnist", folder / "cache", data_dir=folder).hash == expected


def test_without_a_folder_keras_is_asked_and_keeps_what_it_downloaded(folder, monkeypatch):
    kept = folder / "keras" / "datasets" / "fashion-mnist"
    kept.mkdir(parents=True)
    for name in IDX_FILES:
        (kept / name).write_bytes((folder / name).read_bytes())
    monkeypatch.setenv("KERAS_HOME", str(folder / "keras"))
    expected = load_dataset("fashion-mnist", folder / "cache", data_dir=folder)
    assert load_dataset("fashion-mnist", folder / "cache").hash == expected.hash


def test_without_a_network_it_names_the_option_and_the_files(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there
    with pytest.raises(FileNotFoundError, match="Cannot download 'mnist'") as caught:
        load_dataset("mnist", tmp_path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(
        "Put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, "
        "t10k-labels-idx1-ubyte.gz into one folder and name it with --data-dir."
    )


def test_names_the_missing_file(folder):
    (folder / TEST_LABELS).unlink()
    with pytest.raises(FileNotFoundError, match=rf"Missing {folder / TEST_LABELS} of .*--data-dir"):
        load_dataset("mnist", folder / "cache", data_dir=folder)


def damage(name, change):
    def act(folder):
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return act


def packed(content):
    return lambda _: gzip.compress(content)


LABELS = (np.arange(80) % 10).astype(np.uint8)
DAMAGES = {
    "truncated gzip": (
        damage(TRAIN_IMAGES, lambda content: content[: len(content) // 2]),
        r"file .*train-images.*Expected a whole gzip file\. Received: .*copy the file again",
    ),
    "corrupt gzip": (
        damage(TRAIN_IMAGES, lambda content: content[:2000] + bytes(200) + content[2200:]),
        r"file .*train-images.*Expected a whole gzip file",
    ),
    "not gzip": (
        damage(TEST_IMAGES, lambda _: b"<html>404</html>"),
        r"file .*t10k-images.*Expected a whole gzip file\. Received: Not a gzipped file",
    ),
    "labels for images": (
        damage(TRAIN_IMAGES, packed(idx_bytes(LABELS))),
        r"train-images.*starts with 00000803\. Received: 00000801\.",
    ),
    "floats": (
        damage(TRAIN_LABELS, packed(idx_bytes(LABELS, type_code=13))),
        r"train-labels.*unsigned bytes that starts with 00000801\. Received: 00000d01\.",
    ),
    "empty": (
        damage(TRAIN_LABELS, packed(b"")),
        r"train-labels.*Received: an empty file",
    ),
    "short data": (
        damage(TRAIN_LABELS, packed(idx_bytes(LABELS)[:-1])),
        r"train-labels.*8 bytes of header and 80 of data for shape \(80,\)\. Received: 87 bytes",
    ),
    "short header": (
        damage(TRAIN_LABELS, packed(idx_bytes(LABELS)[:6])),
        r"train-labels.*Expected 8 bytes of header\. Received: 6 bytes in all",
    ),
    "too few labels": (
        damage(TRAIN_LABELS, packed(idx_bytes(LABELS[:79]))),
        r"labels in .*train-labels.*Expected 80, one per image of train-images.*Received: 79\.",
    ),
    "label out of range": (
        damage(TRAIN_LABELS, packed(idx_bytes(LABELS + 1))),
        r"labels in .*train-labels.*Expected 0 \.\. 9\. Received: 10\.",
    ),
    "other image size": (
        damage(TEST_IMAGES, packed(idx_bytes(np.zeros((20, 8, 8), np.uint8)))),
        r"t10k-images.*Expected \(28, 28\) pixels as in train-images.*Received: \(8, 8\)",
    ),
}


@pytest.mark.parametrize(("act", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_named_with_what_was_expected(folder, act, message):
    act(folder)
    with pytest.raises(ValueError, match=message) as caught:
        load_dataset("mnist", folder / "cache", data_dir=folder)
    assert "\n" not in str(caught.value)


def test_the_files_of_one_set_are_not_read_as_another(folder):
    """Both sets' files are called the same; MNIST's first test labels give it away."""
    labels = np.arange(20) % 10
    labels[:10] = [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    write(folder, TEST_LABELS, labels)
    with pytest.raises(ValueError, match=r"Expected those of fashion-mnist.*those of mnist.*Say"):
        load_dataset("fashion-mnist", folder / "cache", data_dir=folder)
    assert load_dataset("mnist", folder / "cache", data_dir=folder).name == "mnist"
