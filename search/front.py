"""Pareto fronts and hypervolumes: pure functions on arrays. Directions are handled here once."""

from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

_FEWEST_POINTS = 5  # for a correlation that says anything


def losses(values: ArrayLike, directions: Sequence[str]) -> NDArray[np.float64]:
    """Returns objective values with those to maximise negated, so that less is better everywhere.

    Args:
        values: `(num_points, num_objectives)` or `(num_objectives,)`.
        directions: `minimize` or `maximize`, one per objective.
    """
    signs = np.array([-1.0 if direction == "maximize" else 1.0 for direction in directions])
    signed: NDArray[np.float64] = np.asarray(values, dtype=np.float64) * signs
    return signed


def non_dominated(values: ArrayLike, directions: Sequence[str]) -> NDArray[np.bool_]:
    """Returns which points no other point beats: as good in every objective, better in one.

    Args:
        values: `(num_points, num_objectives)`, finite. Equal points are all kept.
        directions: One per objective.
    """
    points = losses(values, directions).reshape(-1, len(directions))
    if len(points) == 0:
        return np.zeros(0, dtype=bool)
    return np.asarray(moocore.is_nondominated(points, keep_weakly=True), dtype=bool)


def hypervolume(values: ArrayLike, reference: ArrayLike, directions: Sequence[str]) -> float:
    """Returns the volume between the front and the reference point, in product units.

    Points not better than the reference in every objective add nothing.
    """
    points = losses(values, directions).reshape(-1, len(directions))
    corner = losses(reference, directions)
    points = points[(points < corner).all(axis=1)]
    if len(points) == 0:
        return 0.0
    points, corner = _widened(points, corner)
    return float(moocore.hypervolume(points, ref=corner))


def hypervolume_shares(
    values: ArrayLike, reference: ArrayLike, directions: Sequence[str]
) -> NDArray[np.float64]:
    """Returns `(num_points,)`: the share of the hypervolume that would be lost without each."""
    points = losses(values, directions).reshape(-1, len(directions))
    corner = losses(reference, directions)
    total = hypervolume(points, corner, ["minimize"] * points.shape[1])
    if total == 0.0:
        return np.zeros(len(points))
    inside = np.minimum(points, corner)  # a point outside spans no volume
    inside, corner = _widened(inside, corner)
    contributions = moocore.hv_contributions(inside, ref=corner)
    return np.asarray(contributions, dtype=np.float64) / total


def _widened(
    points: NDArray[np.float64], corner: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns a single objective with a second one of width 1 beside it: moocore needs two."""
    if points.shape[1] > 1:
        return points, corner
    return np.column_stack([points, np.zeros(len(points))]), np.append(corner, 1.0)


def knee(values: ArrayLike, directions: Sequence[str]) -> int:
    """Returns the index of the front's knee: nearest to its ideal corner, ranges scaled to 1.

    Args:
        values: `(num_points >= 1, num_objectives)`, the front alone.
        directions: One per objective.
    """
    points = losses(values, directions)
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    return int(np.argmin((scaled**2).sum(axis=1)))


def within_noise(
    values: ArrayLike, front: NDArray[np.bool_], noise: ArrayLike, directions: Sequence[str]
) -> NDArray[np.bool_]:
    """Returns which points outside the front would be on it, were they better by the noise.

    Args:
        values: `(num_points, num_objectives)`.
        front: `(num_points,)`, which of them are the front.
        noise: `(num_objectives,)` or like `values`: how much a value may be off, >= 0.
        directions: One per objective.
    """
    points = losses(values, directions)
    better = points - np.broadcast_to(np.asarray(noise, dtype=np.float64), points.shape)
    members = points[front]
    as_good = (members[None] <= better[:, None]).all(axis=2)
    beaten = as_good & np.any(members[None] < better[:, None], axis=2)
    near: NDArray[np.bool_] = ~front & ~beaten.any(axis=1)
    return near


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float | None:
    """Returns Spearman's rank correlation of two objectives, None where it says nothing."""
    from pandas import DataFrame  # a driver has it already; SciPy's statistics take it a second

    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if len(a) < _FEWEST_POINTS or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(DataFrame({"a": a, "b": b}).rank().corr().loc["a", "b"])
