"""What a reader of some file format hands over: images and labels, checked and normalised."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray


@final
@dataclass(frozen=True, eq=False)
class Source:
    """Images as they were read, before they are split.

    Attributes:
        name: Short name of the data set.
        images: `(num_images, height, width, channels)`, uint8 or float32.
        scale: Divide the images by it to get [0, 1].
        labels: `(num_images,)` int64 in 0 .. num_classes - 1, or None.
        class_names: One per class, in the order of the labels; empty without labels.
        num_test: The last `num_test` images are a test split that came with the data; 0 if none.
    """

    name: str
    images: NDArray[Any]
    scale: float
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]
    num_test: int = 0


def check_images(images: NDArray[Any], where: str) -> tuple[NDArray[Any], float]:
    """Returns images as `(num_images, height, width, channels)` with the scale of their pixels.

    Args:
        images: `(num_images, height, width)` or with a fourth axis for 1 channel (grey) or 3.
            Integers in 0 .. 255 become uint8 with scale 255, floats in [0, 1] float32 with scale 1.
        where: Name of the file for the messages.

    Raises:
        ValueError: If the shape, the type or a pixel is anything else.
    """
    if (
        images.ndim not in (3, 4)
        or 0 in images.shape
        or (images.ndim == 4 and images.shape[3] not in (1, 3))
    ):
        raise ValueError(
            f"Invalid images in {where}. Expected (num_images, height, width) or (num_images, "
            f"height, width, 1 or 3), none of them 0. Received: shape={images.shape}."
        )
    images = images if images.ndim == 4 else images[..., None]
    if images.dtype.kind in "iu":
        return _as_bytes(images, where), 255.0
    if images.dtype.kind != "f":
        raise ValueError(
            f"Invalid images in {where}. Expected integers in 0 .. 255 or floats in [0, 1]. "
            f"Received: dtype={images.dtype}."
        )
    if np.isnan(images).any():
        raise ValueError(f"Invalid images in {where}. Expected floats in [0, 1]. Received: NaN.")
    low, high = float(images.min()), float(images.max())
    if low < 0.0 or high > 1.0:
        raise ValueError(
            f"Invalid images in {where}. Expected floats in [0, 1]. Received: values from {low:g} "
            f"to {high:g}. Scale them, or store pixels of 0 .. 255 as uint8."
        )
    return images.astype(np.float32, copy=False), 1.0


def _as_bytes(images: NDArray[Any], where: str) -> NDArray[np.uint8]:
    low, high = int(images.min()), int(images.max())
    if low < 0 or high > 255:
        raise ValueError(
            f"Invalid images in {where}. Expected integers in 0 .. 255. Received: values from "
            f"{low} to {high}."
        )
    return images.astype(np.uint8, copy=False)


def check_labels(labels: NDArray[Any], num_images: int, where: str) -> NDArray[np.int64]:
    """Returns labels as `(num_images,)` int64; a second axis of length 1 is dropped.

    Raises:
        ValueError: If they are not integers or not one per image.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind not in "iu":
        raise ValueError(
            f"Invalid labels in {where}. Expected integers. Received: dtype={labels.dtype}."
        )
    if labels.shape != (num_images,):
        raise ValueError(
            f"Invalid labels in {where}. Expected one per image, shape ({num_images},). "
            f"Received: shape={labels.shape}."
        )
    return labels.astype(np.int64)


def number_classes(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Returns the labels renumbered 0 .. num_classes - 1 and the old labels as class names."""
    values, renumbered = np.unique(labels, return_inverse=True)
    return renumbered.astype(np.int64), tuple(str(value) for value in values)


def check_class_sizes(source: Source, where: str) -> None:
    """Raises `ValueError` naming the first class with fewer than 3 images to split."""
    if source.labels is None:
        return
    own = source.labels[: len(source.labels) - source.num_test]
    counts = np.bincount(own, minlength=len(source.class_names))
    for name, count in zip(source.class_names, counts, strict=True):
        if count < 3:
            raise ValueError(
                f"Invalid labels in {where}. Expected at least 3 images of every class to split "
                f"into training and validation. Received: {count} of class {name!r}."
            )
