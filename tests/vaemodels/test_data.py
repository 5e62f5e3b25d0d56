"""Loading, hashing, splitting and opening; the file formats have tests of their own."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from vaemodels.data import load_dataset, open_dataset
from vaemodels.data.splits import split_indices

SPLITS = ("train", "validation", "test")


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (60, 4, 5), dtype=np.uint8)


@pytest.fixture
def labels():
    return np.arange(60) % 3


def save(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def test_digits_have_the_published_split(tmp_path):
    digits = load_dataset("digits", tmp_path)
    assert [len(getattr(digits, name).images) for name in SPLITS] == [1078, 359, 360]
    assert (digits.image_shape, digits.scale, digits.num_classes) == ((8, 8, 1), 16.0, 10)
    assert digits.class_names == tuple("0123456789")
    assert digits.train.images.max() == 16
    # Studies are tied to this hash: if it changes, they can no longer be resumed.
    assert digits.hash == "ed2edf08250b0da112a8a91ae449d1cffc63d37acea74a9580c91bb6664ff539"
    for name in SPLITS:
        counts = np.bincount(getattr(digits, name).labels, minlength=10)
        whole = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
        assert np.abs(counts - whole * counts.sum() / 1797).max() < 1.01


def test_splits_hold_every_image_once_with_its_label(tmp_path, pixels, labels):
    dataset = load_dataset(save(tmp_path / "a.npz", images=pixels, labels=labels), tmp_path)
    images = np.concatenate([getattr(dataset, name).images for name in SPLITS])[..., 0]
    found = np.concatenate([getattr(dataset, name).labels for name in SPLITS])
    label_of = {image.tobytes(): label for image, label in zip(pixels, labels, strict=True)}
    assert len(label_of) == 60
    assert {image.tobytes(): label for image, label in zip(images, found, strict=True)} == label_of


def test_an_opened_data_set_is_the_loaded_one_mapped_from_disk(tmp_path, pixels, labels):
    loaded = load_dataset(save(tmp_path / "a.npz", images=pixels, labels=labels), tmp_path / "c")
    opened = open_dataset(loaded.folder)
    assert loaded.folder == tmp_path.resolve() / "c" / loaded.hash
    assert opened.hash == loaded.hash
    assert opened.class_names == ("0", "1", "2")
    for name in SPLITS:
        one, other = getattr(loaded, name), getattr(opened, name)
        assert isinstance(other.images, np.memmap)
        assert not other.images.flags.writeable
        assert np.array_equal(one.images, other.images)
        assert np.array_equal(one.labels, other.labels)


def test_loading_again_writes_nothing(tmp_path, pixels):
    source = save(tmp_path / "a.npz", images=pixels)
    first = load_dataset(source, tmp_path / "cache")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")}
    assert load_dataset(source, tmp_path / "cache").hash == first.hash
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")} == before


def change_a_pixel(pixels, labels):
    pixels = pixels.copy()
    pixels[7, 1, 1] ^= 1
    return {"images": pixels, "labels": labels}


def swap_two_labels(pixels, labels):
    labels = labels.copy()
    labels[:2] = labels[1::-1]
    return {"images": pixels, "labels": labels}


@pytest.mark.parametrize(
    "change",
    [
        change_a_pixel,
        swap_two_labels,
        lambda pixels, labels: {"images": pixels},
        lambda pixels, labels: {"images": pixels, "labels": labels + 1},
        lambda pixels, labels: {"images": pixels.reshape(60, 5, 4), "labels": labels},
        lambda pixels, labels: {"images": (pixels / 255).astype("float32"), "labels": labels},
        lambda pixels, labels: {"images": pixels[:59], "labels": labels[:59]},
    ],
)
def test_another_source_has_another_hash(tmp_path, pixels, labels, change):
    source = save(tmp_path / "a.npz", images=pixels, labels=labels)
    before = load_dataset(source, tmp_path).hash
    save(tmp_path / "a.npz", **change(pixels, labels))
    assert load_dataset(source, tmp_path).hash != before


def test_processes_that_write_at_once_agree(tmp_path, pixels):
    source = save(tmp_path / "a.npz", images=pixels)
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(load_dataset, source, tmp_path / "cache") for _ in range(6)]
        hashes = {job.result().hash for job in jobs}
    assert [path.name for path in (tmp_path / "cache").iterdir()] == list(hashes)


@pytest.mark.parametrize("num_images", [10, 59, 1000])
@pytest.mark.parametrize("num_classes", [None, 3])
def test_splits_are_disjoint_and_complete(num_images, num_classes):
    labels = None if num_classes is None else np.arange(num_images) % num_classes
    parts = split_indices(num_images, labels, num_test=0)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(num_images))
    assert [len(part) for part in parts[:2]] == [num_images * 3 // 5, num_images // 5]


@pytest.mark.parametrize(
    ("num_own", "num_validation"), [(60_000, 5_000), (22_699, 5_000), (10_000, 2_500), (8, 2)]
)
def test_a_given_test_split_stays_and_at_most_5000_images_validate(num_own, num_validation):
    train, validation, test = split_indices(num_own + 100, None, num_test=100)
    assert np.array_equal(test, np.arange(num_own, num_own + 100))
    assert (len(train), len(validation)) == (num_own - num_validation, num_validation)


def test_rare_classes_are_in_every_split():
    labels = np.repeat([0, 1, 2], [900, 95, 5])
    for part in split_indices(1000, labels, num_test=0):
        assert set(labels[part]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((6, 2, 2))}, r"at least 2 each.*3, 1, 2 of 6"),
        (
            {"images": np.zeros((20, 2, 2)), "labels": np.array([0] * 18 + [5] * 2)},
            r"Invalid labels in .*a\.npz\. Expected at least 3 .*Received: 2 of class '5'",
        ),
    ],
)
def test_refuses_what_cannot_be_split(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message):
        load_dataset(save(tmp_path / "a.npz", **arrays), tmp_path)


def test_names_a_source_that_is_not_there(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"'minst'.*digits, sprites, mnist, fashion-mnist, .*, or an exis"
    ):
        load_dataset("minst", tmp_path)


def test_names_a_file_of_another_kind(tmp_path):
    (tmp_path / "a.csv").write_text("1,2")
    with pytest.raises(ValueError, match=r"a\.csv'.*\.npz or \.npy.*ends in '\.csv'"):
        load_dataset(str(tmp_path / "a.csv"), tmp_path)


def truncate_images(folder):
    content = (folder / "images.npy").read_bytes()
    (folder / "images.npy").write_bytes(content[:-100])


def change_shape(folder):
    description = json.loads((folder / "dataset.json").read_text())
    description["shape"][0] += 1
    (folder / "dataset.json").write_text(json.dumps(description))


@pytest.mark.parametrize(
    "damage",
    [
        truncate_images,
        change_shape,
        lambda folder: (folder / "dataset.json").unlink(),
        lambda folder: (folder / "dataset.json").write_text("{"),
        lambda folder: (folder / "labels.npy").unlink(),
    ],
)
def test_a_damaged_folder_is_named(tmp_path, pixels, labels, damage):
    source = save(tmp_path / "a.npz", images=pixels, labels=labels)
    folder = load_dataset(source, tmp_path).folder
    damage(folder)
    with pytest.raises(ValueError, match=rf"Invalid data set in {folder}\..*Delete the folder"):
        open_dataset(folder)


def test_opening_what_is_not_there_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no data set in .*nowhere"):
        open_dataset(tmp_path / "nowhere")


def test_a_failed_write_leaves_nothing_behind(tmp_path, pixels, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("disk full")

    source = save(tmp_path / "a.npz", images=pixels)
    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        load_dataset(source, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
