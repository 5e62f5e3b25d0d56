"""A small data set of 28x28 images in MNIST's file format."""

import gzip
import struct
from pathlib import Path

import numpy as np

NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def make_images(num_images: int, seed: int):
    """Returns images of 10 classes, a bright square at a place of its own each, and labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num_images, dtype=np.uint8) % 10
    images = rng.integers(0, 40, (num_images, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        row, column = 4 + 12 * (label // 5), 2 + 5 * (label % 5)
        image[row : row + 9, column : column + 5] += 200
    return images, labels


def write_idx(folder: Path, num_train: int = 600, num_test: int = 200) -> Path:
    """Writes the four files and returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = [*make_images(num_train, 0), *make_images(num_test, 1)]
    for name, array in zip(NAMES, arrays, strict=True):
        header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        (folder / name).write_bytes(gzip.compress(header + array.tobytes(), 1))
    return folder
