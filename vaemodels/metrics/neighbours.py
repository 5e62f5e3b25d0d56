"""Fidelity and diversity from nearest neighbours: what the one number of an FID mixes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least, refuse
from vaemodels.metrics.arrays import check_same_width, check_table
from vaemodels.metrics.estimate import Estimate

_BLOCK_MIB = 64  # of distances held at once; all of 10,000 images' would be 800

Table = NDArray[np.float64]


def precision_recall(
    reference: NDArray[Any], generated: NDArray[Any], num_neighbours: int = 3
) -> dict[str, Estimate]:
    """Returns how much of each set lies on the manifold of the other; higher is better.

    A manifold is the union of balls around a set's images, each as large as the distance to the
    image's `num_neighbours`-th nearest neighbour in its own set, border included. Precision is the
    share of generated images on the real manifold (fidelity), recall that of real images on the
    generated one (diversity). Compare only values of equal numbers of images.

    Args:
        reference: Features of real images, `(num_images > num_neighbours, num_features)`.
        generated: Features of generated images, of the same kind.
        num_neighbours: Integer >= 1.

    Returns:
        "precision" and "recall", in [0, 1], with binomial standard errors: they take the other
        set's manifold as given. Its growth with the number of images is a bias nobody knows.

    Raises:
        ValueError: If a shape is wrong, a feature is NaN or infinite, or images are too few.

    References:
        Kynkaanniemi et al., 2019, https://arxiv.org/abs/1904.06991
    """
    real, made = _centred(reference, generated)
    _check_num_neighbours(num_neighbours, reference=real, generated=made)
    real_radii, made_radii = _radii(real, num_neighbours), _radii(made, num_neighbours)
    precise, recalled = np.zeros(len(made), bool), np.zeros(len(real), bool)
    for rows, distances in _blocks(made, real):
        precise[rows] = (distances <= real_radii).any(axis=1)
        recalled |= (distances <= made_radii[rows, None]).any(axis=0)
    return {"precision": _share(precise), "recall": _share(recalled)}


def density_coverage(
    reference: NDArray[Any], generated: NDArray[Any], num_neighbours: int = 5
) -> dict[str, Estimate]:
    """Returns density and coverage, which outliers disturb less than precision and recall.

    Balls are as in `precision_recall`, around the real images alone and without their border.
    Density is the mean number of balls that a generated image lies in, over `num_neighbours`;
    coverage the share of balls that hold a generated image. Higher is better.

    Args:
        reference: Features of real images, `(num_images > num_neighbours, num_features)`.
        generated: Features of generated images, `(num_images >= 1, num_features)`.
        num_neighbours: Integer >= 1.

    Returns:
        "density", >= 0, 1 for a perfect generator, which makes it unbiased there; and "coverage",
        in [0, 1], see `expected_coverage`. Standard errors take the balls as given.

    Raises:
        ValueError: If a shape is wrong, a feature is NaN or infinite, or images are too few.

    References:
        Naeem et al., 2020, https://arxiv.org/abs/2002.09797
    """
    real, made = _centred(reference, generated)
    _check_num_neighbours(num_neighbours, reference=real)
    radii = _radii(real, num_neighbours)
    num_balls, covered = np.zeros(len(made)), np.zeros(len(real), bool)
    for rows, distances in _blocks(made, real):
        inside = distances < radii
        num_balls[rows] = inside.sum(axis=1)
        covered |= inside.any(axis=0)
    density = Estimate.of_mean(num_balls / num_neighbours)
    return {"density": density, "coverage": _share(covered)}


def expected_coverage(num_reference: int, num_generated: int, num_neighbours: int = 5) -> float:
    """Returns the mean coverage of a perfect generator, `1 - 2**-num_neighbours` for equal sets.

    Returns:
        `1 - prod_{i=1..k} (N - i) / (N + M - i)` with N real and M generated images: the chance
        that one of the k nearest of all other images is a generated one, whatever the density.

    Raises:
        ValueError: If a number is below 1 or there are not more real images than neighbours.

    References:
        Naeem et al., 2020, https://arxiv.org/abs/2002.09797
    """
    check_at_least(1, num_generated=num_generated, num_neighbours=num_neighbours)
    check_at_least(num_neighbours + 1, num_reference=num_reference)
    steps = np.arange(1, num_neighbours + 1)
    return float(1.0 - np.prod((num_reference - steps) / (num_reference + num_generated - steps)))


def _centred(reference: NDArray[Any], generated: NDArray[Any]) -> tuple[Table, Table]:
    check_table(1, reference=reference, generated=generated)
    check_same_width(reference=reference, generated=generated)
    # Distances come from squared norms; they lose fewer digits near the origin.
    centre = reference.mean(axis=0, dtype=np.float64)
    return reference - centre, generated - centre


def _check_num_neighbours(num_neighbours: int, **tables: Table) -> None:
    check_at_least(1, num_neighbours=num_neighbours)
    for name, table in tables.items():
        if num_neighbours >= len(table):
            expected = f"less than the number of images in `{name}`, {len(table)}"
            raise refuse("num_neighbours", expected, num_neighbours)


def _radii(table: Table, num_neighbours: int) -> Table:
    """Returns the distance of every row to its `num_neighbours`-th nearest other row."""
    from sklearn.neighbors import NearestNeighbors  # a second to import: only who asks pays

    index = NearestNeighbors(n_neighbors=num_neighbours, algorithm="brute").fit(table)
    distances, _ = index.kneighbors()  # without arguments: no row is its own neighbour
    radii: Table = distances[:, -1]
    return radii


def _blocks(rows: Table, columns: Table) -> Iterator[tuple[slice, Table]]:
    """Yields the distances of some rows to all columns, and which rows they are."""
    from sklearn.metrics import pairwise_distances_chunked

    start = 0
    for block in pairwise_distances_chunked(rows, columns, working_memory=_BLOCK_MIB):
        yield slice(start, start + len(block)), block
        start += len(block)


def _share(hits: NDArray[np.bool_]) -> Estimate:
    mean = Estimate.of_mean(hits)
    return Estimate(mean.value, mean.standard_error, mean.num_samples, bias=None)
