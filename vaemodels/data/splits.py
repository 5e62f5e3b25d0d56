"""Which images train, which steer the search and which are kept for the report."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SEED = 0  # part of what a data set is: another value would be another data set
_MAX_VALIDATION = 5_000

Indices = NDArray[np.int64]


def split_indices(
    num_images: int, labels: NDArray[np.int64] | None, num_test: int
) -> tuple[Indices, Indices, Indices]:
    """Returns the indices of the training, validation and test images, each ascending.

    With a given test split (the last `num_test` images), a quarter of the others but at most 5,000
    validate. Without one, 3/5 train, 1/5 validate and the rest, at least 1/5, tests. Both are drawn
    with a fixed seed and are stratified: every split has the classes in nearly equal proportion.

    Raises:
        ValueError: If a split would have fewer than 2 images.
    """
    num_own = num_images - num_test
    order = _stratified_order(num_own, None if labels is None else labels[:num_own])
    if num_test:
        num_validation = min(_MAX_VALIDATION, num_own // 4)
        parts = [order[num_validation:], order[:num_validation], np.arange(num_own, num_images)]
    else:
        num_train = num_own * 3 // 5
        num_validation = num_own // 5
        parts = np.split(order, [num_train, num_train + num_validation])
    if min(len(part) for part in parts) < 2:
        raise ValueError(
            "Invalid number of images. Expected at least 2 each to train, validate and test. "
            f"Received: {', '.join(str(len(part)) for part in parts)} of {num_images}."
        )
    train, validation, test = (np.sort(part).astype(np.int64) for part in parts)
    return train, validation, test


def _stratified_order(num_images: int, labels: NDArray[np.int64] | None) -> NDArray[Any]:
    """A shuffled order in which every stretch holds the classes in nearly equal proportion."""
    # NumPy promises this raw stream for ever, but not that `permutation` uses it in the same way.
    shuffled = np.argsort(np.random.Philox(key=_SEED).random_raw(num_images), kind="stable")
    if labels is None:
        return shuffled
    # Each image gets its relative rank within its class, in (0, 1); ties stay shuffled.
    place = np.empty(num_images)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return shuffled[np.argsort(place[shuffled], kind="stable")]
