"""NumPy files: `.npz` with or without a test split, `.npy` with images alone."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.data.source import Source, check_images, check_labels, number_classes

_LAYOUTS = "x_train, y_train, x_test, y_test (as in Keras) or images, labels (labels may be absent)"


def read_npy(path: Path) -> Source:
    """Returns the images of an `.npy` file; it has no labels.

    Raises:
        ValueError: If the file is damaged or does not hold images.
    """
    arrays = _read_arrays(path)
    images, scale = check_images(arrays["images"], str(path))
    return Source(path.stem, images, scale, labels=None, class_names=())


def read_npz(path: Path) -> Source:
    """Returns the images and labels of an `.npz` file with Keras's keys or `images`, `labels`.

    Raises:
        ValueError: If the file is damaged, has other keys, or its arrays do not fit together.
    """
    return from_arrays(_read_arrays(path), path.stem, f"file {path}")


def from_arrays(arrays: Mapping[str, NDArray[Any]], name: str, where: str) -> Source:
    """Returns the images and labels of arrays with Keras's keys or `images`, `labels`.

    Args:
        arrays: By key.
        name: Short name of the data set.
        where: What the arrays come from, for the messages.

    Raises:
        ValueError: If there are other keys, or the arrays do not fit together.
    """
    keys = set(arrays)
    if keys in ({"images"}, {"images", "labels"}):
        return _one_set(arrays, name, where)
    if keys in ({"x_train", "x_test"}, {"x_train", "y_train", "x_test", "y_test"}):
        return _train_and_test(arrays, name, where)
    raise ValueError(
        f"Invalid {where}. Expected the arrays {_LAYOUTS}. Received: "
        f"{', '.join(sorted(map(str, keys))) or 'no array'}."
    )


def _one_set(arrays: Mapping[str, NDArray[Any]], name: str, where: str) -> Source:
    images, scale = check_images(arrays["images"], f"{where} (images)")
    if "labels" not in arrays:
        return Source(name, images, scale, labels=None, class_names=())
    labels = check_labels(arrays["labels"], len(images), f"{where} (labels)")
    return Source(name, images, scale, *number_classes(labels))


def _train_and_test(arrays: Mapping[str, NDArray[Any]], name: str, where: str) -> Source:
    train, scale = check_images(arrays["x_train"], f"{where} (x_train)")
    test, test_scale = check_images(arrays["x_test"], f"{where} (x_test)")
    if (train.shape[1:], scale) != (test.shape[1:], test_scale):
        raise ValueError(
            f"Invalid images in {where} (x_test). Expected {train.shape[1:]} {train.dtype} as in "
            f"x_train. Received: {test.shape[1:]} {test.dtype}."
        )
    labels: NDArray[np.int64] | None = None
    names: tuple[str, ...] = ()
    if "y_train" in arrays:
        train_labels = check_labels(arrays["y_train"], len(train), f"{where} (y_train)")
        test_labels = check_labels(arrays["y_test"], len(test), f"{where} (y_test)")
        labels, names = number_classes(np.concatenate([train_labels, test_labels]))
    return Source(name, np.concatenate([train, test]), scale, labels, names, len(test))


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"images": loaded}
        with loaded:
            return {key: loaded[key] for key in loaded.files}
    except (EOFError, ValueError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"Invalid file {path}. Expected a whole NumPy file of numbers. Received: {error}"
        ) from error
