"""The kernel inception distance (KID): the FID's companion for few images, as it is unbiased."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least
from vaemodels.metrics.arrays import check_same_width, check_table
from vaemodels.metrics.estimate import Estimate
from vaemodels.noise import generator


def kernel_inception_distance(
    reference_features: NDArray[Any],
    generated_features: NDArray[Any],
    *,
    subset_size: int = 1000,
    num_subsets: int = 100,
    seed: int = 0,
) -> Estimate:
    """Returns the squared maximum mean discrepancy of two sets of features; lower is better.

    The kernel is `(x @ y / num_features + 1)**3`. The value is the mean over random subsets of the
    unbiased estimate, which is negative about half of the time when both sets come from one
    distribution. Unlike the FID, values of different numbers of images are comparable.

    Args:
        reference_features: `(num_images >= 3, num_features)`.
        generated_features: `(num_images >= 3, num_features)`.
        subset_size: Integer >= 3, lowered to the number of images of the smaller set. Time grows
            with its square.
        num_subsets: Integer >= 1. Where a subset is all of both sets, one is all there is.
        seed: Integer >= 0 that picks the subsets.

    Returns:
        Without bias; `num_samples` is the size of the smaller set. The standard error is the
        jackknife's of one subset, divided by the root of the number of *disjoint* subsets that
        the smaller set could give, or of `num_subsets` if that is less: subsets that share images
        are not independent. Hence it is conservative.

    Raises:
        ValueError: If a shape is wrong, a feature is NaN or infinite, or a number out of range.

    References:
        Binkowski et al., 2018, https://arxiv.org/abs/1801.01401
    """
    check_at_least(3, subset_size=subset_size)
    check_at_least(1, num_subsets=num_subsets)
    tables = {"reference_features": reference_features, "generated_features": generated_features}
    check_table(3, **tables)
    check_same_width(**tables)
    # The root of the kernel's 1 / num_features goes into both factors of the product.
    root = math.sqrt(reference_features.shape[1])
    reference, generated = (table.astype(np.float64) / root for table in tables.values())
    smaller = min(len(reference), len(generated))
    size = min(subset_size, smaller)
    if size == len(reference) == len(generated):
        num_subsets = 1
    subsets = [
        _squared_discrepancy(*_subset(reference, generated, size, generator(seed, "kid", index)))
        for index in range(num_subsets)
    ]
    values, variances = np.array(subsets).T
    num_independent = min(float(num_subsets), smaller / size)
    error = math.sqrt(variances.mean() / num_independent)
    return Estimate(float(values.mean()), error, smaller, bias=0.0)


def _subset(
    reference: NDArray[np.float64],
    generated: NDArray[np.float64],
    size: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # Sorted, so that a subset of all images is the set itself, and the seed changes nothing.
    rows = [np.sort(rng.choice(len(t), size, replace=False)) for t in (reference, generated)]
    return reference[rows[0]], generated[rows[1]]


def _squared_discrepancy(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Returns the unbiased estimate of two equally large sets and its jackknife variance."""
    size = len(x)
    # What an image and its partner, the one of the same row, add to the three sums of the kernel.
    within = sum(kernel.sum(axis=1) - np.diag(kernel) for kernel in (_kernel(x, x), _kernel(y, y)))
    across = _kernel(x, y)
    rows, columns = across.sum(axis=1), across.sum(axis=0)
    total_within, total_across = within.sum(), rows.sum()
    value = total_within / (size * (size - 1)) - 2.0 * total_across / size**2
    left_out = (total_within - 2.0 * within) / ((size - 1) * (size - 2))
    left_out -= 2.0 * (total_across - rows - columns + np.diag(across)) / (size - 1) ** 2
    variance = (size - 1) * left_out.var()
    return float(value), float(variance)


def _kernel(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    kernel = x @ y.T
    kernel += 1.0
    kernel *= kernel * kernel  # far faster than a power
    return kernel
