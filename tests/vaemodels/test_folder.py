import numpy as np
import pytest
from PIL import Image

from vaemodels.data import load_dataset


def write_image(path, size=(6, 5), mode="L", value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


@pytest.fixture
def folder(tmp_path):
    for label, name in enumerate(("cat", "dog")):
        for number in range(10):
            write_image(tmp_path / "pets" / name / f"{number}.png", value=100 * label + number)
    return tmp_path / "pets"


def load(folder):
    return load_dataset(str(folder), folder.parent / "cache")


def test_subfolders_are_the_classes(folder):
    dataset = load(folder)
    assert (dataset.name, dataset.class_names) == ("pets", ("cat", "dog"))
    assert (dataset.image_shape, dataset.scale) == ((5, 6, 1), 255.0)
    assert [len(s.images) for s in (dataset.train, dataset.validation, dataset.test)] == [12, 4, 4]
    brightness = dataset.train.images.mean(axis=(1, 2, 3))
    np.testing.assert_array_equal(dataset.train.labels, (brightness >= 100).astype(int))


def test_hidden_files_and_files_beside_the_classes_are_passed_over(folder):
    expected = load(folder).hash
    (folder / "cat" / ".DS_Store").write_bytes(b"x")
    (folder / "README.txt").write_text("about")
    (folder / ".cache").mkdir()
    assert load(folder).hash == expected


def test_one_colour_image_makes_all_rgb(folder):
    write_image(folder / "cat" / "red.jpg", mode="RGB", value=(255, 0, 0))
    dataset = load(folder)
    assert dataset.image_shape == (5, 6, 3)
    grey = dataset.train.images[dataset.train.labels == 1]
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])


def empty(folder):
    for path in folder.rglob("*.png"):
        path.unlink()


def cut(folder):
    rng = np.random.default_rng(0).integers(0, 256, (5, 6), dtype=np.uint8)
    Image.fromarray(rng).save(folder / "cat" / "3.png")
    content = (folder / "cat" / "3.png").read_bytes()
    (folder / "cat" / "3.png").write_bytes(content[: len(content) // 2])


DAMAGES = {
    "empty": (
        empty,
        r"Invalid folder .*pets\. Expected one subfolder .*2 subfolders without an im",
    ),
    "not an image": (
        lambda folder: (folder / "dog" / "4.png").write_text("hello"),
        r"Invalid image .*dog/4\.png\. Expected a readable picture.*Received: cannot identify",
    ),
    "truncated": (cut, r"Invalid image .*cat/3\.png\. Expected a readable picture"),
    "16 bits": (
        lambda folder: write_image(folder / "cat" / "a.png", mode="I;16"),
        r"Invalid image .*cat/a\.png\. Expected .* 8 bits per channel\. Received: pixels of mode",
    ),
    "other size": (
        lambda folder: write_image(folder / "dog" / "9.png", size=(7, 5)),
        r"Invalid image .*dog/9\.png\. Expected 6x5 pixels as in .*cat/0\.png\. Received: 7x5",
    ),
    "other file": (
        lambda folder: (folder / "dog" / "labels.csv").write_text("1"),
        r"Invalid file .*dog/labels\.csv\. Expected only images .*'labels\.csv'; move it away",
    ),
    "folder in a class": (
        lambda folder: write_image(folder / "dog" / "more" / "0.png"),
        r"Invalid file .*dog/more\. Expected only images",
    ),
    "rare class": (
        lambda folder: write_image(folder / "fish" / "0.png"),
        r"Invalid labels in .*pets\. Expected at least 3 images .*Received: 1 of class 'fish'",
    ),
}


@pytest.mark.parametrize(("act", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_file_that_does_not_belong_is_named(folder, act, message):
    act(folder)
    with pytest.raises(ValueError, match=message) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
