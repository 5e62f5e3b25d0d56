"""Distances between class distributions: do generated images show the classes as often?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least


def class_frequencies(classes: NDArray[Any], num_classes: int) -> NDArray[np.float64]:
    """Returns how often each class occurs, `(num_classes,)` float64 that sums to 1.

    Args:
        classes: `(num_images >= 1,)` integers in 0 .. num_classes - 1. Use predicted classes for
            real images as well: then the classifier's own bias cancels.
        num_classes: Integer >= 1.

    Raises:
        ValueError: If there is no class or one is out of range.
    """
    if classes.ndim != 1 or len(classes) < 1 or classes.dtype.kind not in "iu":
        raise ValueError(
            "Invalid value for `classes`. Expected integers of shape (num_images >= 1,). "
            f"Received: shape={classes.shape}, dtype={classes.dtype}."
        )
    if classes.min() < 0 or classes.max() >= num_classes:
        raise ValueError(
            f"Invalid value for `classes`. Expected integers in 0 .. {num_classes - 1}. "
            f"Received: values from {classes.min()} to {classes.max()}."
        )
    return np.bincount(classes, minlength=num_classes) / len(classes)


def total_variation(p: NDArray[Any], q: NDArray[Any]) -> float:
    """Returns the total variation distance `0.5 * sum(abs(p - q))`, in [0, 1].

    Raises:
        ValueError: If `p` and `q` are not probability vectors of one length.
    """
    _check_probabilities(p, q)
    return min(float(0.5 * np.abs(p - q).sum()), 1.0)


def max_class_gap(p: NDArray[Any], q: NDArray[Any]) -> float:
    """Returns the largest gap of a single class, `max(abs(p - q))`, in [0, 1].

    Some texts call it TVD. `max_class_gap <= total_variation <= num_classes / 2 * max_class_gap`.

    Raises:
        ValueError: If `p` and `q` are not probability vectors of one length.
    """
    _check_probabilities(p, q)
    return float(np.abs(p - q).max())


def tvd_noise_floor(p: NDArray[Any], num_samples: int) -> float:
    """Returns the mean total variation between `p` and the frequencies of draws from `p` itself.

    A perfect generator scores this much. Exact: the count of a class is binomial, and the mean
    absolute deviation of Binomial(n, p) is `2 * m * (1 - p) * pmf(m)` with `m = floor(n * p) + 1`
    (de Moivre). `p` is taken as known; where it was itself estimated from M images, the floor is
    larger by about `sqrt(1 + num_samples / M)`.

    Raises:
        ValueError: If `p` is not a probability vector or `num_samples` is below 1.
    """
    from scipy.stats import binom  # most of a second to import, and workers do without

    _check_probabilities(p, p)
    check_at_least(1, num_samples=num_samples)
    above = np.floor(num_samples * p) + 1.0
    deviation = 2.0 * above * (1.0 - p) * binom.pmf(above, num_samples, p)
    return float(0.5 * deviation.sum() / num_samples)


def _check_probabilities(p: NDArray[Any], q: NDArray[Any]) -> None:
    for name, vector in (("p", p), ("q", q)):
        if vector.ndim != 1 or vector.shape != p.shape or len(vector) < 1:
            raise ValueError(
                f"Invalid shape for `{name}`. Expected (num_classes,), the same in both. "
                f"Received: {p.shape} and {q.shape}."
            )
        # Written so that NaN fails as well.
        if not (vector.min() >= 0.0 and abs(vector.sum() - 1.0) <= 1e-6):
            raise ValueError(
                f"Invalid value for `{name}`. Expected probabilities >= 0 that sum to 1. "
                f"Received: {vector!r}."
            )
