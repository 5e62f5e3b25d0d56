"""Figures that differ from training to training: means, errors, and who is on the front.

Pure functions on arrays. A training that failed is a row with a NaN.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, final

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.front import losses

FEWEST_REPEATS: Final = 3  # of a candidate, to believe its own standard deviation
_DRAWS: Final = 4_000  # a probability of 0.5 is then known to 0.008
_FIRST_REPEATS: Final = 2  # of every trial, before any gets more: they show the spread


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """How far two trainings of one candidate differ, pooled over the candidates.

    Attributes:
        size: `(num_objectives,)`, one standard deviation; NaN if no candidate was trained twice.
        is_relative: `(num_objectives,)`, whether `size` is a share of the value. An objective that
            is 0 or of both signs among the candidates has no such share.
        degrees: Degrees of freedom of `size`.
    """

    size: NDArray[np.float64]
    is_relative: NDArray[np.bool_]
    degrees: int

    def at(self, values: ArrayLike) -> NDArray[np.float64]:
        """Returns the standard deviations around values, `(..., num_objectives)`."""
        points = np.asarray(values, dtype=np.float64)
        found: NDArray[np.float64] = np.where(self.is_relative, np.abs(points), 1.0) * self.size
        return found


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Estimates:
    """What is known of candidates that were trained several times.

    Attributes:
        means: `(num_candidates, num_objectives)`, NaN where no training worked.
        errors: Like `means`, one standard error of each; NaN where nothing shows the spread.
        degrees: `(num_candidates,)`, degrees of freedom of the errors.
        counts: `(num_candidates,)`, trainings that worked.
    """

    means: NDArray[np.float64]
    errors: NDArray[np.float64]
    degrees: NDArray[np.int64]
    counts: NDArray[np.int64]


def pooled_spread(repeats: Sequence[NDArray[np.float64]]) -> Spread:
    """Returns the root mean square of the candidates' standard deviations, by degrees of freedom.

    Several epochs of one training count as if they were independent.

    Args:
        repeats: For each candidate `(num_repeats, num_objectives)`; at least one candidate.
    """
    worked = [_worked(rows) for rows in repeats]
    several = [rows for rows in worked if len(rows) > 1]
    width = repeats[0].shape[1]
    if not several:
        return Spread(np.full(width, np.nan), np.zeros(width, dtype=bool), 0)
    everything = np.concatenate([rows for rows in worked if len(rows)])
    is_relative = np.abs(np.sign(everything).sum(axis=0)) == len(everything)
    means = np.array([rows.mean(axis=0) for rows in several])
    scales = np.where(is_relative, np.abs(means), 1.0)
    squares = np.array([((rows - rows.mean(axis=0)) ** 2).sum(axis=0) for rows in several])
    degrees = sum(len(rows) - 1 for rows in several)
    return Spread(np.sqrt((squares / scales**2).sum(axis=0) / degrees), is_relative, degrees)


def estimate(repeats: Sequence[NDArray[np.float64]]) -> Estimates:
    """Returns the mean of every candidate over its trainings, with its standard error.

    A candidate with fewer than `FEWEST_REPEATS` trainings has too few to know its own standard
    deviation: its error is from the one that is pooled over all candidates, as a share of the
    value where that makes sense (see `Spread`).

    Args:
        repeats: For each candidate `(num_repeats, num_objectives)`; at least one candidate.
    """
    spread = pooled_spread(repeats)
    means = np.full((len(repeats), repeats[0].shape[1]), np.nan)
    errors = np.full_like(means, np.nan)
    degrees = np.full(len(repeats), max(spread.degrees, 1))
    counts = np.zeros(len(repeats), dtype=np.int64)
    for index, rows in enumerate(map(_worked, repeats)):
        counts[index] = len(rows)
        if len(rows) == 0:
            continue
        means[index] = rows.mean(axis=0)
        deviation = spread.at(means[index])
        if len(rows) >= FEWEST_REPEATS:
            deviation, degrees[index] = rows.std(axis=0, ddof=1), len(rows) - 1
        errors[index] = deviation / np.sqrt(len(rows))
    return Estimates(means, errors, degrees, counts)


def front_probability(
    found: Estimates, directions: Sequence[str], seed: int = 0
) -> NDArray[np.float64]:
    """Returns `(num_candidates,)`: how probably no other candidate's mean beats each one's.

    By Monte Carlo: means are drawn from Student's t distributions around the estimates, and their
    fronts counted. They are drawn independently, although two epochs of one training rise and fall
    together: too few repeats to know by how much. Candidates without a mean are on no front. All
    are NaN while an error is unknown.

    Args:
        found: Of `estimate`.
        directions: One per objective.
        seed: Fixes the draws.
    """
    known = found.counts > 0
    probability = np.zeros(len(known))
    if not known.any():
        return probability
    means, errors = losses(found.means[known], directions), found.errors[known]
    if not np.isfinite(errors).all():
        return np.full(len(known), np.nan)
    rng = np.random.default_rng(seed)
    degrees = found.degrees[known][:, None]
    points = means + errors * rng.standard_t(degrees, size=(_DRAWS, *means.shape))
    beaten = np.zeros(points.shape[:2], dtype=bool)
    for index in range(len(means)):
        other = points[:, index : index + 1]
        beaten |= (other <= points).all(axis=2) & (other < points).any(axis=2)
    probability[known] = 1.0 - beaten.mean(axis=0)
    return probability


def attainment(
    runs: Sequence[NDArray[np.float64]], directions: Sequence[str], percents: Sequence[int]
) -> dict[int, NDArray[np.float64]]:
    """Returns the edges of what at least so many percent of the runs attain.

    A run is one repeat of all candidates; it attains all that one of its points is as good as, or
    better. The empirical attainment function by moocore.

    Args:
        runs: `(num_points, 2)` each; one without a point that worked is left out.
        directions: Of the two objectives.
        percents: In (0, 100].

    Returns:
        Percent -> `(num_corners, 2)`, ascending in the first objective; empty without runs.

    References:
        Fonseca et al., 2011, https://doi.org/10.1007/978-3-642-19893-9_22
    """
    worked = [points for points in map(_worked, runs) if len(points)]
    if not worked:
        return {percent: np.empty((0, 2)) for percent in percents}
    sets = np.repeat(np.arange(1, len(worked) + 1), [len(points) for points in worked])
    points = losses(np.concatenate(worked), directions)
    rows = np.asarray(moocore.eaf(points, sets, percentiles=list(percents)))
    edges = {}
    for percent in percents:
        corners = losses(rows[rows[:, 2] == percent, :2], directions)
        edges[percent] = corners[corners[:, 0].argsort(kind="stable")]
    return edges


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Agreement:
    """How alike repeats rank candidates.

    Attributes:
        w: Kendall's coefficient of concordance, corrected for ties: 1 if all repeats rank them
            alike, about `1 / num_repeats` by chance.
        p_value: Of one as large by chance: Friedman's chi-square approximation.
    """

    w: float
    p_value: float


def agreement(values: NDArray[np.float64]) -> Agreement | None:
    """Returns how alike repeats rank candidates by one objective.

    Args:
        values: `(num_repeats, num_candidates)`; candidates with a NaN are left out.

    Returns:
        None with fewer than 3 candidates or 2 repeats, or if a repeat finds all of them equal.

    References:
        Kendall and Babington Smith, 1939, https://doi.org/10.1214/aoms/1177732186
    """
    from scipy.stats import chi2, rankdata

    values = values[:, np.isfinite(values).all(axis=0)]
    raters, items = values.shape
    if raters < 2 or items < 3 or (np.ptp(values, axis=1) == 0).any():
        return None
    ranks: NDArray[np.float64] = rankdata(values, axis=1)
    sums = ranks.sum(axis=0)
    ties = sum(float(((counts := _counts(row)) ** 3 - counts).sum()) for row in ranks)
    scatter = float(((sums - sums.mean()) ** 2).sum())
    w = 12.0 * scatter / float(raters**2 * (items**3 - items) - raters * ties)
    return Agreement(w, float(chi2.sf(raters * (items - 1) * w, items - 1)))


def bars_apart(
    values: ArrayLike, front: NDArray[np.bool_], bars: ArrayLike, directions: Sequence[str]
) -> NDArray[np.float64]:
    """Returns how many error bars part each point from the front: up to 1, the bars overlap.

    So often must its own bars, and those of the front's members, be given before no member is
    better in every objective.

    Args:
        values: `(num_points, num_objectives)`.
        front: `(num_points,)`, which of them are the front, at least one.
        bars: Like `values`, >= 0: half the length of each point's error bars.
        directions: One per objective.
    """
    points = losses(values, directions)
    sizes = np.broadcast_to(np.asarray(bars, dtype=np.float64), points.shape)
    gaps = points[:, None] - points[front][None]
    both = sizes[:, None] + sizes[front][None]
    certain = np.where(gaps < 0, -np.inf, np.inf)  # equal values help neither
    ratios = np.divide(gaps, both, out=certain, where=both > 0)
    apart: NDArray[np.float64] = ratios.min(axis=2).max(axis=1)
    return apart


def next_repeat(
    done: Mapping[int, AbstractSet[int]], probabilities: Mapping[int, Iterable[float]], seeds: int
) -> tuple[int, int] | None:
    """Returns which (trial, repeat) to train next, None if every trial has its `seeds` repeats.

    First all get their first two, in the order given; then always the trial whose place on the
    front is least certain, so that a confirmation that is cut short was well used.

    Args:
        done: Trial -> repeats that have ended or are under way, from 1.
        probabilities: Trial -> of being on the front, of each of its candidates. What is not known
            is as uncertain as can be.
        seeds: Repeats that each trial should have in the end.
    """
    missing = {t: [k for k in range(1, seeds + 1) if k not in had] for t, had in done.items()}
    missing = {trial: repeats for trial, repeats in missing.items() if repeats}
    if not missing:
        return None
    first = min(repeats[0] for repeats in missing.values())
    if first <= _FIRST_REPEATS:
        return next((trial, first) for trial, repeats in missing.items() if repeats[0] == first)

    def order(trial: int) -> tuple[float, int, int]:
        doubts = np.abs(np.nan_to_num(list(probabilities.get(trial, ())), nan=0.5) - 0.5)
        return float(doubts.min(initial=0.5)), -len(missing[trial]), trial

    trial = min(missing, key=order)
    return trial, missing[trial][0]


def _worked(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    kept: NDArray[np.float64] = rows[np.isfinite(rows).all(axis=1)]
    return kept


def _counts(ranks: NDArray[np.float64]) -> NDArray[Any]:
    return np.unique(ranks, return_counts=True)[1]
