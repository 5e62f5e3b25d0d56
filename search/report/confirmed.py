"""A front that was trained again, as plain data: means, errors, who is on it how probably."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from search.confirm import Agreement, Spread, agreement, attainment, pooled_spread
from search.confirm_plan import Plan
from search.errors import SearchError
from search.report.confirmed_candidate import ConfirmedCandidate, Figures, confirmed_candidates
from search.study.confirmations import Confirmation
from search.study.reader import SearchRecord
from search.trial import Trial

PERCENTS: Final = (25, 50, 75)  # of the repeats, for the attainment bands
_FEWEST_RUNS: Final = 3  # for bands that differ from each other


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Bands:
    """What shares of the repeats attain, for a pair of objectives.

    Attributes:
        objectives: Their names.
        num_runs: Repeats that every candidate had.
        edges: Percent of the repeats -> corners, ascending in the first objective.
    """

    objectives: tuple[str, str]
    num_runs: int
    edges: Mapping[int, Sequence[tuple[float, float]]]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class ConfirmedFront:
    """What training a front again has shown.

    Attributes:
        name: Of the search.
        dataset: Its images.
        objectives: Name -> direction.
        epochs: To which all were trained; None for each candidate's own.
        members: What was trained again, the most probable first.
        floor: What real images score, on the validation images.
        spread: Objective -> standard deviation between two trainings of one candidate, as a share
            of the value.
        agreement: Objective -> how alike the repeats rank the candidates.
        num_runs: Repeats that every candidate had.
        flattery: Objective -> mean ratio of the front's confirmed values and those of the search.
        other_images: The same ratio for the search's own weights, measured on the test images.
        bands: For each pair of objectives; none with fewer than 3 repeats of all.
        num_searched: Candidates that the search chose among.
        missing: `trial@epoch` of what should be confirmed and has no figures yet.
        other_epochs: Epochs to which all were trained on another occasion.
    """

    name: str
    dataset: str
    objectives: Mapping[str, str]
    epochs: int | None
    members: Sequence[ConfirmedCandidate]
    floor: Figures | None
    spread: Figures
    agreement: Mapping[str, Agreement]
    num_runs: int
    flattery: Figures
    other_images: Figures
    bands: Sequence[Bands]
    num_searched: int
    missing: Sequence[str]
    other_epochs: Sequence[int]

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return dataclasses.asdict(self)


def confirmed_front(
    record: SearchRecord,
    trials: Sequence[Trial],
    rows: Sequence[Confirmation],
    remeasured: Mapping[tuple[int, int], Figures],
    epochs: int | None = None,
) -> ConfirmedFront:
    """Returns what the confirmation of a search has shown so far.

    Args:
        record: The search.
        trials: All of its trials.
        rows: What was confirmed.
        remeasured: Test figures of stored weights by (trial, epoch).
        epochs: Of the trainings to look at; None for each candidate's own.

    Raises:
        SearchError: If nothing of that kind was confirmed.
    """
    plan = Plan(record, trials, epochs=epochs)
    foreign = sorted({row.epoch for row in rows if not plan.is_own(row)} - {epochs})
    members = confirmed_candidates(plan, rows, remeasured)
    if not members:
        raise SearchError(_nothing(record.name, epochs, foreign))
    names, directions = list(record.config.objectives), record.config.directions
    spread = pooled_spread([_values(member, names) for member in members])
    runs = _runs(members, names)
    labels = {member.label for member in members}
    return ConfirmedFront(
        name=record.name,
        dataset=record.config.dataset.name,
        objectives=dict(record.config.objectives),
        epochs=epochs,
        members=members,
        floor=(record.prepared or {}).get("floor"),
        spread={n: float(spread.size[i]) for i, n in enumerate(names) if _is_share(spread, i)},
        agreement=_agreement(runs, names),
        num_runs=len(runs),
        flattery=_ratios(members, names, lambda m: m.means),
        other_images=_ratios(members, names, lambda m: m.remeasured),
        bands=_bands(runs, names, directions),
        num_searched=plan.num_candidates,
        missing=[item.label for item in plan.subjects(rows) if item.label not in labels],
        other_epochs=foreign,
    )


def _values(member: ConfirmedCandidate, names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[row[name] for name in names] for row in member.repeats.values()])


def _runs(members: Sequence[ConfirmedCandidate], names: Sequence[str]) -> list[NDArray[np.float64]]:
    """Returns, of every repeat that all candidates had, `(num_candidates, num_objectives)`."""
    current = [m for m in members if m.origin != "other"] or list(members)
    common = set.intersection(*(set(m.repeats) for m in current))
    return [
        np.array([[m.repeats[repeat][name] for name in names] for m in current])
        for repeat in sorted(common)
    ]


def _agreement(runs: Sequence[NDArray[np.float64]], names: Sequence[str]) -> dict[str, Agreement]:
    if not runs:
        return {}
    values = np.stack(runs)
    found = {name: agreement(values[:, :, i]) for i, name in enumerate(names)}
    return {name: value for name, value in found.items() if value is not None}


def _bands(
    runs: Sequence[NDArray[np.float64]], names: Sequence[str], directions: Sequence[str]
) -> list[Bands]:
    if len(runs) < _FEWEST_RUNS:
        return []
    bands = []
    for a, b in itertools.combinations(range(len(names)), 2):
        pair = [run[:, [a, b]] for run in runs]
        found = attainment(pair, [directions[a], directions[b]], PERCENTS)
        edges = {p: [(float(x), float(y)) for x, y in corners] for p, corners in found.items()}
        bands.append(Bands((names[a], names[b]), len(runs), edges))
    return bands


def _ratios(
    members: Sequence[ConfirmedCandidate],
    names: Sequence[str],
    figures: Callable[[ConfirmedCandidate], Figures],
) -> dict[str, float]:
    """Returns by how much figures of the front exceed those of the search: geometric means.

    Only of the front, because it is the front that was chosen by what the search measured.
    """
    ratios = {}
    for name in names:
        pairs = [
            (figures(member).get(name, 0.0), member.searched.get(name, 0.0))
            for member in members
            if member.origin == "front"
        ]
        logs = [np.log(now / then) for now, then in pairs if now > 0 and then > 0]
        if logs:
            ratios[name] = float(np.exp(np.mean(logs)))
    return ratios


def _is_share(spread: Spread, index: int) -> bool:
    return bool(spread.is_relative[index] and np.isfinite(spread.size[index]))


def _nothing(name: str, epochs: int | None, foreign: Sequence[int]) -> str:
    if epochs is not None:
        return (
            f"Nothing of `{name}` was confirmed at {epochs} epochs. "
            f"`vaesearch confirm {name} --epochs {epochs}` does it."
        )
    if foreign:
        return (
            f"`{name}` was confirmed at {', '.join(map(str, foreign))} epochs only, which are not "
            f"its own: say --epochs {foreign[-1]}, or `vaesearch confirm {name}`."
        )
    return f"`{name}` was not confirmed yet. `vaesearch confirm {name}` trains its front again."
