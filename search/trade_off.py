"""What moves along a front: from the best of one objective to the best of another."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import moocore
import numpy as np
from numpy.typing import NDArray

from search.candidates import Candidate, candidates, objective_values
from search.config import StudyConfig
from search.front import losses
from search.space import Scalar, flat_items
from search.trial import Trial

FEWEST_TRIALS: Final = 5  # along a front, for any claim
MOST_LAYERS: Final = 3  # of the non-dominated sorting: further ones are no front any more
CLEAR: Final = 0.05  # a rank correlation this improbable by chance is one
_EXACT_UP_TO: Final = 8  # points whose orders are all tried
_END_SHARE: Final = 3  # an end is one in so many of the trials


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """How one parameter changes along the front.

    Attributes:
        parameter: By item of a list.
        correlation: Spearman's, of its value with the position; None for choices, and where all
            values are the same.
        p_value: Of a correlation at least as large by chance; None without one.
        first: At the end that is best in the first objective: the median, or the choices with
            their counts.
        second: The same at the other end.
        num_trials: Trials that have the parameter.
    """

    parameter: str
    correlation: float | None
    p_value: float | None
    first: Any
    second: Any
    num_trials: int

    @property
    def is_clear(self) -> bool:
        """Whether chance would rarely move it as far."""
        return self.p_value is not None and self.p_value <= CLEAR


@final
@dataclasses.dataclass(frozen=True, slots=True)
class TradeOff:
    """What moves the front from the best of one objective to the best of another.

    Attributes:
        objectives: Their names.
        num_layers: Layers of the non-dominated sorting that were used; 1 is the front itself.
        trials: From the first end to the second.
        moves: What correlates most, first; empty with fewer than 5 trials.
    """

    objectives: tuple[str, str]
    num_layers: int
    trials: Sequence[int]
    moves: Sequence[Move]


def trade_offs(config: StudyConfig, trials: Sequence[Trial]) -> list[TradeOff]:
    """Returns, for every pair of objectives, how the parameters move along their front.

    The front is that of all objectives. Where it holds fewer than 5 trials, the next non-dominated
    layers are added, up to three. A trial has one place, the mean of its candidates': how much
    worse it ranks in the first objective than in the second.

    Args:
        config: The study file.
        trials: All trials; a failed one's epochs count, as in the front.
    """
    found = candidates(config, trials)
    if not found:
        return []
    values = losses(objective_values(config, found), config.directions)
    wide = values if values.shape[1] > 1 else np.repeat(values, 2, axis=1)  # moocore needs two
    layers = np.asarray(moocore.pareto_rank(wide))
    num_layers, used = _enough_layers(found, layers)
    by_number = {trial.number: trial for trial in trials}
    names = list(config.objectives)
    result = []
    for a, b in itertools.combinations(range(len(names)), 2):
        places = _places(
            [c for c, u in zip(found, used, strict=True) if u], values[used][:, [a, b]]
        )
        order = sorted(places, key=lambda number: (places[number], number))
        moves = []
        if len(order) >= FEWEST_TRIALS:
            moves = _moves(config, [by_number[number] for number in order], places)
        result.append(TradeOff((names[a], names[b]), num_layers, order, moves))
    return result


def _enough_layers(
    found: Sequence[Candidate], layers: NDArray[Any]
) -> tuple[int, NDArray[np.bool_]]:
    """Returns how many layers hold enough trials, and which candidates are in them."""
    deepest = min(MOST_LAYERS, int(layers.max()) + 1)
    for count in range(1, deepest + 1):
        used: NDArray[np.bool_] = layers < count
        num_trials = len({c.trial for c, u in zip(found, used, strict=True) if u})
        if num_trials >= FEWEST_TRIALS or count == deepest:
            break
    return count, used


def _places(found: Sequence[Candidate], values: NDArray[np.float64]) -> dict[int, float]:
    """Returns trial -> its place along the front, low at the best of the first objective."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=0)
    places: dict[int, list[float]] = {}
    for candidate, (first, second) in zip(found, ranks, strict=True):
        places.setdefault(candidate.trial, []).append(float(first - second))
    return {trial: float(np.mean(each)) for trial, each in places.items()}


def _moves(config: StudyConfig, trials: Sequence[Trial], places: Mapping[int, float]) -> list[Move]:
    """Returns how each parameter moves along trials in the order of their places."""
    space, fixed = config.parameters, config.fixed
    flat = {t.number: flat_items(space, fixed, t.params) for t in trials}
    items = list(dict.fromkeys(item for t in trials for item in flat[t.number]))
    moves = []
    for item in items:
        having = [t.number for t in trials if item in flat[t.number]]
        if len(having) >= FEWEST_TRIALS:
            values = [flat[number][item] for number in having]
            moves.append(_move(item, values, [places[number] for number in having]))
    return sorted(moves, key=lambda move: (-abs(move.correlation or 0.0), move.parameter))


def _move(item: str, values: Sequence[Scalar], places: Sequence[float]) -> Move:
    size = max(1, len(values) // _END_SHARE)
    ends = values[:size], values[-size:]
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(values):
        first, second = (dict(Counter(map(str, end)).most_common()) for end in ends)
        return Move(item, None, None, first, second, len(values))
    low, high = (float(np.median(np.array(end, dtype=float))) for end in ends)
    correlation, p_value = rank_test(numbers, places)
    return Move(item, correlation, p_value, low, high, len(values))


def rank_test(first: Sequence[float], second: Sequence[float]) -> tuple[float | None, float | None]:
    """Returns Spearman's rank correlation and its two-sided p-value; None where one is constant.

    With up to 8 points every order is tried, because the usual approximation needs more.
    """
    from scipy.stats import rankdata, spearmanr

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None, None
    result: Any = spearmanr(first, second)
    correlation = float(result.statistic)
    if len(first) > _EXACT_UP_TO:
        return correlation, float(result.pvalue)
    a, b = rankdata(first), rankdata(second)
    orders = np.array(list(itertools.permutations(b)))
    products = (orders - b.mean()) @ (a - a.mean())
    observed = float((b - b.mean()) @ (a - a.mean()))
    return correlation, float(np.mean(np.abs(products) >= abs(observed) - 1e-9))
