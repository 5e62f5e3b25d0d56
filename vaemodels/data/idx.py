"""IDX files, the format of MNIST and Fashion-MNIST."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.data.source import Source, check_labels

IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
CLASS_NAMES = {
    "mnist": tuple(str(digit) for digit in range(10)),
    "fashion-mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}


# What tells the sets apart.
_FIRST_TEST_LABELS = {
    "mnist": (7, 2, 1, 0, 4, 1, 4, 9, 5, 9),
    "fashion-mnist": (9, 2, 1, 1, 6, 1, 4, 6, 5, 7),
}
REMEDY = f"Put {', '.join(IDX_FILES)} into one folder and name it with --data-dir."


def read_idx_dataset(name: str, data_dir: Path) -> Source:
    """Returns MNIST or Fashion-MNIST from their four files.

    Args:
        name: `mnist` or `fashion-mnist`.
        data_dir: Folder with the four files, or with a folder `name` that has them. A file may
            also lie there unpacked, without its `.gz`.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is damaged or the files do not belong together.
    """
    train_images, train_labels, test_images, test_labels = _locate(name, data_dir)
    train, train_classes = _read_pair(train_images, train_labels, len(CLASS_NAMES[name]))
    test, test_classes = _read_pair(test_images, test_labels, len(CLASS_NAMES[name]))
    _check_is_not_another(name, test_classes, test_labels)
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(
            f"Invalid images in {test_images}. Expected {train.shape[1:]} pixels as in "
            f"{train_images.name}. Received: {test.shape[1:]}."
        )
    return Source(
        name=name,
        images=np.concatenate([train, test])[..., None],
        scale=255.0,
        labels=np.concatenate([train_classes, test_classes]),
        class_names=CLASS_NAMES[name],
        num_test=len(test),
    )


def _check_is_not_another(name: str, labels: NDArray[np.int64], path: Path) -> None:
    """Refuses the files of one set under the name of another: they are called the same."""
    for other, first in _FIRST_TEST_LABELS.items():
        if other != name and tuple(labels[: len(first)]) == first:
            raise ValueError(
                f"Invalid files in {path.parent}. Expected those of {name}. Received: those of "
                f"{other}, which have the same names. Say {other!r}, or name another folder."
            )


def _locate(name: str, data_dir: Path) -> list[Path]:
    folder = data_dir / name if (data_dir / name).is_dir() else data_dir
    paths = []
    for packed in (folder / file for file in IDX_FILES):
        found = next((path for path in (packed, packed.with_suffix("")) if path.is_file()), None)
        if found is None:
            raise FileNotFoundError(f"Missing {packed} of the data set {name!r}. {REMEDY}")
        paths.append(found)
    return paths


def _read_pair(
    image_file: Path, label_file: Path, num_classes: int
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    images = read_idx(image_file, num_dims=3)
    labels = read_idx(label_file, num_dims=1)
    if len(images) != len(labels):
        raise ValueError(
            f"Invalid labels in {label_file}. Expected {len(images)}, one per image of "
            f"{image_file.name}. Received: {len(labels)}."
        )
    if len(labels) and labels.max() >= num_classes:
        raise ValueError(
            f"Invalid labels in {label_file}. Expected 0 .. {num_classes - 1}. "
            f"Received: {labels.max()}."
        )
    return images, check_labels(labels, len(images), str(label_file))


def read_idx(path: Path, num_dims: int) -> NDArray[np.uint8]:
    """Returns the array of one IDX file of unsigned bytes, gzipped if its name ends in `.gz`.

    Header: two zero bytes, type 0x08, number of dimensions, then each dimension as a big-endian
    32-bit integer. http://yann.lecun.com/exdb/mnist

    Raises:
        ValueError: If the file is truncated, is not IDX, or has other dimensions.
    """
    content = _unpack(path)
    magic = bytes([0, 0, 8, num_dims])
    if content[:4] != magic:
        raise ValueError(
            f"Invalid file {path}. Expected an IDX file of unsigned bytes that starts with "
            f"{magic.hex()}. Received: {content[:4].hex() or 'an empty file'}."
        )
    start = 4 + 4 * num_dims
    if len(content) < start:
        raise ValueError(
            f"Invalid file {path}. Expected {start} bytes of header. Received: {len(content)} bytes"
            " in all; copy the file again."
        )
    shape = struct.unpack(f">{num_dims}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise ValueError(
            f"Invalid file {path}. Expected {start} bytes of header and {math.prod(shape)} of data "
            f"for shape {shape}. Received: {len(content)} bytes in all; copy the file again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _unpack(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            return file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"Invalid file {path}. Expected a whole gzip file. Received: {error}; copy the file "
            "again."
        ) from error
