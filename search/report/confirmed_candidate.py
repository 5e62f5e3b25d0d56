"""One candidate of a front that was trained again, as plain data."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np

from search.candidates import label, under
from search.confirm import estimate, front_probability
from search.confirm_plan import Plan
from search.front import knee, losses, non_dominated
from search.study.confirmations import Confirmation
from search.trial import Params

Figures = Mapping[str, float]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class ConfirmedCandidate:
    """A candidate with what its trainings scored on the test images.

    Attributes:
        trial: Its trial.
        epoch: Its epoch.
        sampler: Its latent sampler, "" for the trial's own.
        origin: Why it was trained again, see `Subject`.
        probability: Of being on the front of all that were confirmed; None while nothing shows how
            far trainings differ.
        num_repeats: Trainings that worked.
        num_failed: Trainings that did not.
        means: Objective -> mean; empty if none worked.
        errors: Objective -> standard error of the mean; empty while it is unknown.
        searched: Objective -> value in the search; empty if it measured none after this epoch.
        remeasured: Objective -> value of the search's own weights on the test images; empty if
            they were not measured again.
        params: Of the trial.
        repeats: Repeat -> objectives; NaN where the training failed.
        is_choice: Whether it is the knee of the means of those that are rather on the front than
            not.
    """

    trial: int
    epoch: int
    sampler: str
    origin: str
    probability: float | None
    num_repeats: int
    num_failed: int
    means: Figures
    errors: Figures
    searched: Figures
    remeasured: Figures
    params: Params
    repeats: Mapping[int, Figures]
    is_choice: bool = False

    @property
    def label(self) -> str:
        """`trial@epoch[:sampler]`."""
        return label(self.trial, self.epoch, self.sampler)


def confirmed_candidates(
    plan: Plan,
    rows: Sequence[Confirmation],
    remeasured: Mapping[tuple[int, int], Figures],
) -> list[ConfirmedCandidate]:
    """Returns what was trained again, the most probable first, then by the first objective.

    Args:
        plan: Of the confirmation.
        rows: What was confirmed.
        remeasured: Test figures of stored weights by (trial, epoch).
    """
    names, directions = list(plan.config.objectives), plan.config.directions
    subjects = plan.recorded(rows)
    if not subjects:
        return []
    repeats = [plan.by_repeat(subject, rows) for subject in subjects]
    found = estimate([np.array(list(had.values()), float) for had in repeats])
    chances = front_probability(found, directions)
    members = []
    for index, (subject, had) in enumerate(zip(subjects, repeats, strict=True)):
        again = remeasured.get((subject.trial, subject.epoch), {})
        again = under(subject.sampler, again) if subject.sampler else again
        member = ConfirmedCandidate(
            trial=subject.trial,
            epoch=subject.epoch,
            sampler=subject.sampler,
            origin=subject.origin,
            probability=None if np.isnan(chances[index]) else float(chances[index]),
            num_repeats=int(found.counts[index]),
            num_failed=len(had) - int(found.counts[index]),
            means=_finite(names, found.means[index]),
            errors=_finite(names, found.errors[index]),
            searched=_chosen(subject.searched or {}, names),
            remeasured=_chosen(again, names),
            params=plan.params[subject.trial],
            repeats={k: dict(zip(names, row, strict=True)) for k, row in had.items()},
        )
        members.append(member)
    return sorted(_with_choice(members, names, directions), key=lambda m: _order(m, directions))


def _with_choice(
    members: Sequence[ConfirmedCandidate], names: Sequence[str], directions: Sequence[str]
) -> list[ConfirmedCandidate]:
    """Returns the members with the one marked that a person who has no preference would take."""
    likely = [m for m in members if m.probability is not None and m.probability >= 0.5]
    if not likely:
        return list(members)
    points = np.array([[m.means[name] for name in names] for m in likely])
    front = np.flatnonzero(non_dominated(points, directions))
    chosen = likely[front[knee(points[front], directions)]]
    return [dataclasses.replace(m, is_choice=m is chosen) for m in members]


def _order(member: ConfirmedCandidate, directions: Sequence[str]) -> tuple[float, float, int, int]:
    first = next(iter(member.means.values()), np.inf)
    loss = float(losses([first], directions[:1])[0]) if member.means else np.inf
    return -round(member.probability or 0.0, 2), loss, member.trial, member.epoch


def _chosen(metrics: Figures, names: Sequence[str]) -> dict[str, float]:
    return {name: metrics[name] for name in names if name in metrics}


def _finite(names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    """Returns values by name, nothing if one of them is unknown."""
    return dict(zip(names, map(float, values), strict=True)) if np.isfinite(values).all() else {}
