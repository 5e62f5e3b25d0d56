"""Trials as lines through their params: which axes there are, and where each trial crosses them."""

import dataclasses
import html
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import moocore
import numpy as np

from search.candidates import Candidate, candidates, objective_values
from search.config import StudyConfig
from search.front import losses
from search.report.hover import cut
from search.report.pictures import LOG_RATIO
from search.report.tables import title
from search.space import flat_items
from search.trial import Trial

_MOST_CHARACTERS: Final = 18  # of a label
_MOST_PARAMETERS: Final = 16  # counted by item of a list; more would be a grey wall
_ABSENT: Final = object()  # in place of a value that a trial has not got
_WORD: Final = "(absent)"
_GAP: Final = 0.12  # of an axis, between its values and the place of trials without one


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """One axis.

    Attributes:
        name: What stands over it.
        values: Where each trial crosses it.
        ticks: Positions and what stands there; empty: plotly chooses them.
    """

    name: str
    values: Sequence[float]
    ticks: Mapping[float, str]

    def dimension(self) -> dict[str, Any]:
        """Returns it as plotly takes it."""
        ticks = {"tickvals": list(self.ticks), "ticktext": list(self.ticks.values())}
        values = np.array(self.values, dtype=np.float64)
        return {"label": self.name, "values": values, **(ticks if self.ticks else {})}


def ranked_trials(config: StudyConfig, trials: Sequence[Trial]) -> dict[int, int]:
    """Returns the number of each measured trial and its rank, the worst first.

    A trial's rank is that of its best candidate in the non-dominated sorting, counted without
    gaps: 1 is the front.
    """
    found = candidates(config, trials)
    if not found:
        return {}
    values = losses(objective_values(config, found), config.directions)
    wide = values if values.shape[1] > 1 else np.repeat(values, 2, axis=1)  # moocore needs two
    best: dict[int, int] = {}
    for candidate, layer in zip(found, np.asarray(moocore.pareto_rank(wide)), strict=True):
        best[candidate.trial] = min(int(layer), best.get(candidate.trial, int(layer)))
    dense = {layer: rank for rank, layer in enumerate(sorted(set(best.values())), start=1)}
    return {n: dense[best[n]] for n in sorted(best, key=lambda n: (-best[n], n))}


def scales(config: StudyConfig, trials: Sequence[Trial], numbers: Sequence[int]) -> list[Scale]:
    """Returns an axis for each of the first 16 parameters, by item of a list, then one for each
    objective at its best.

    Args:
        config: The study file.
        trials: All trials.
        numbers: Those to show, in their order.
    """
    by_number = {trial.number: trial for trial in trials}
    shown = [by_number[number] for number in numbers]
    space, fixed = config.parameters, config.fixed
    flat = [flat_items(space, fixed, trial.params) for trial in shown]
    items = list(dict.fromkeys(item for each in flat for item in each))
    items.sort(key=lambda item: list(space).index(item.partition("[")[0]))
    found = [
        _scale(item, [each.get(item, _ABSENT) for each in flat])
        for item in items[:_MOST_PARAMETERS]
    ]
    return [*found, *_objectives(config, shown)]


def _scale(name: str, values: Sequence[Any]) -> Scale:
    known = [value for value in values if value is not _ABSENT]
    is_numeric = all(type(value) in (int, float) for value in known)
    return _numbers(name, values) if is_numeric else _choices(name, values)


def _choices(name: str, values: Sequence[Any]) -> Scale:
    texts = [_WORD if value is _ABSENT else str(value) for value in values]
    order = {text: float(index) for index, text in enumerate(sorted(set(texts)))}
    ticks = {index: cut(text, _MOST_CHARACTERS) for text, index in order.items()}
    return Scale(_label(name), [order[text] for text in texts], ticks)


def _numbers(name: str, values: Sequence[Any]) -> Scale:
    known = [float(value) for value in values if value is not _ABSENT]
    is_log = min(known) > 0 and max(known) > LOG_RATIO * min(known)
    onto = math.log10 if is_log else float
    low, high = onto(min(known)), onto(max(known))
    absent = low - _GAP * ((high - low) or 1.0)
    places = [absent if value is _ABSENT else onto(float(value)) for value in values]
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    positions = sorted({low + share * (high - low) for share in shares})
    if all(type(value) is int for value in values) and high - low < len(shares) and not is_log:
        positions = [float(each) for each in range(int(low), int(high) + 1)]
    ticks = {place: f"{10**place if is_log else place:.3g}" for place in positions}
    if len(known) < len(values):
        ticks = {absent: _WORD, **ticks}
    return Scale(_label(name), places, ticks)


def _objectives(config: StudyConfig, trials: Sequence[Trial]) -> list[Scale]:
    """Returns the best value of each objective over a trial's candidates."""
    found = [candidates(config, [trial]) for trial in trials]
    return [
        _numbers(f"best {title(name)}", [_best(each, name, way) for each in found])
        for name, way in config.objectives.items()
    ]


def _best(found: Sequence[Candidate], name: str, direction: str) -> float:
    pick = min if direction == "minimize" else max
    return pick(candidate.metrics[name] for candidate in found)


def _label(text: str) -> str:
    """Returns what stands over an axis; unlike ticks, plotly takes HTML there for markup."""
    return html.escape(cut(text, _MOST_CHARACTERS))
