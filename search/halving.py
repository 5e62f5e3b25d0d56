"""Multi-objective asynchronous successive halving: pure functions on arrays and recorded order.

A trial that reaches a rung is compared with all that reached it before, and goes on if it is among
the best 1/factor of them: non-dominated sorting first, then an epsilon-net inside of a front, so
that what goes on is spread along the front. Asking again with the same measurements in the same
order gives the same answers, so rungs need no state of their own and survive any restart.

References:
    Li et al., 2020, ASHA, https://arxiv.org/abs/1810.05934
    Schmucker et al., 2021, MO-ASHA, https://arxiv.org/abs/2106.12639
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.front import losses, non_dominated


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What a rung says of a trial.

    Attributes:
        epoch: The rung.
        rank: The trial's, from 1, among those that had reached the rung when it came.
        num_trials: How many these were, the trial included.
        num_kept: How many of so many go on.
        ahead: The trials of better rank, the best first.
    """

    epoch: int
    rank: int
    num_trials: int
    num_kept: int
    ahead: tuple[int, ...]

    @property
    def is_kept(self) -> bool:
        """Whether the trial goes on."""
        return self.rank <= self.num_kept


def rung_epochs(grace_epochs: int, factor: int, budget: int, every: int) -> tuple[int, ...]:
    """Returns the epochs at which trials are compared: grace, grace * factor, ... below the budget.

    Each is moved up to the next measured epoch, a multiple of `every`.
    """
    rungs: list[int] = []
    epoch = grace_epochs
    while (measured := math.ceil(epoch / every) * every) < budget:
        if measured not in rungs:
            rungs.append(measured)
        epoch *= factor
    return tuple(rungs)


def judge(
    epoch: int,
    trials: Sequence[int],
    values: ArrayLike,
    directions: Sequence[str],
    factor: int,
) -> Verdict:
    """Returns the verdict on the trial that reached a rung last.

    Args:
        epoch: The rung.
        trials: Numbers of the trials at the rung, in the order in which they reached it.
        values: Their objectives there, `(num_trials >= 1, num_objectives)`. What is not finite
            ranks last.
        directions: `minimize` or `maximize`, one per objective.
        factor: One in so many goes on, >= 2; at least one.
    """
    order = ranking(values, directions)
    position = int(np.flatnonzero(order == len(trials) - 1)[0])
    ahead = tuple(trials[index] for index in order[:position])
    kept = math.ceil(len(trials) / factor)
    return Verdict(epoch, position + 1, len(trials), kept, ahead)


def ranking(values: ArrayLike, directions: Sequence[str]) -> NDArray[np.int64]:
    """Returns the indices of points from the best to the worst, `(num_points,)`.

    Fronts one after another; inside of a front as `spread`. Points that are not finite come last,
    in their given order.

    Args:
        values: `(num_points, num_objectives)`.
        directions: One per objective.
    """
    points = losses(values, directions).reshape(-1, len(directions))
    is_finite = np.isfinite(points).all(axis=1)
    left = np.flatnonzero(is_finite)
    order: list[int] = []
    while len(left):
        on_front = non_dominated(points[left], ["minimize"] * points.shape[1])
        front = left[on_front]
        order += front[spread(points[front])].tolist()
        left = left[~on_front]
    return np.array(order + np.flatnonzero(~is_finite).tolist(), dtype=np.int64)


def spread(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns an order of points in which every prefix covers them well: an epsilon-net.

    The first is nearest to the ideal corner, each next one farthest from all before it, in units of
    the range of each objective (Gonzalez, 1985: at most twice the radius of the best cover). Equal
    points keep their given order.

    Args:
        points: `(num_points >= 1, num_objectives)`, finite, less is better.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    chosen = [int(np.argmin((scaled**2).sum(axis=1)))]
    distance = np.full(len(points), np.inf)
    while len(chosen) < len(points):
        distance = np.minimum(distance, ((scaled - scaled[chosen[-1]]) ** 2).sum(axis=1))
        distance[chosen] = -1.0
        chosen.append(int(np.argmax(distance)))
    return np.array(chosen, dtype=np.int64)
