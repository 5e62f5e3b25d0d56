"""How a search has come on: its front and hypervolume after each of its finished trials."""

import dataclasses
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from search.candidates import Candidate, candidates, objective_values
from search.config import StudyConfig
from search.front import hypervolume, non_dominated
from search.trial import Trial


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """A search as it was when one more of its trials had finished.

    Attributes:
        num_finished: Finished trials.
        trial: The one that finished.
        hours: Since the first trial began, breaks included; None where no times are known.
        hypervolume: Of the finished trials; None without a reference point.
    """

    num_finished: int
    trial: int
    hours: float | None
    hypervolume: float | None


def in_order(trials: Sequence[Trial]) -> list[Trial]:
    """Returns the trials that ended, complete, pruned or failed, in the order of their end."""
    finished = [trial for trial in trials if trial.state.is_finished]
    return sorted(finished, key=lambda trial: (trial.finished_at or 0.0, trial.number))


def moments(
    config: StudyConfig, trials: Sequence[Trial], reference: Sequence[float] | None
) -> list[Moment]:
    """Returns a moment for each finished trial, the first first.

    Args:
        config: The study file.
        trials: All trials.
        reference: The hypervolume's reference point, one value per objective.
    """
    directions = config.directions
    begun = min((t.started_at for t in trials if t.started_at is not None), default=None)
    front: NDArray[np.float64] = np.zeros((0, len(directions)))
    found = []
    for count, trial in enumerate(in_order(trials), start=1):
        front = np.concatenate([front, objective_values(config, candidates(config, [trial]))])
        front = front[non_dominated(front, directions)]
        is_timed = begun is not None and trial.finished_at is not None
        hours = (trial.finished_at - begun) / 3600.0 if is_timed else None  # type: ignore[operator]
        volume = None if reference is None else hypervolume(front, reference, directions)
        found.append(Moment(count, trial.number, hours, volume))
    return found


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """Everything that was known when so many trials had finished.

    Attributes:
        label: How many trials had finished, or `now` where some still run.
        new: Candidates that the stage before did not know.
        front: The front of all that was known.
    """

    label: str
    new: Sequence[Candidate]
    front: Sequence[Candidate]


def stages(
    objectives: Sequence[str],
    directions: Sequence[str],
    found: Sequence[Candidate],
    trials: Sequence[Trial],
    most: int,
) -> list[Stage]:
    """Returns a search in at most `most` stages that are evenly spaced in finished trials.

    Candidates of trials that have not ended belong to a last stage of their own.

    Args:
        objectives: Their names.
        directions: One per objective.
        found: The candidates to show.
        trials: All trials.
        most: Number of stages, >= 2.
    """
    place = {trial.number: rank for rank, trial in enumerate(in_order(trials), start=1)}
    is_running = any(candidate.trial not in place for candidate in found)
    total = len(place)
    ends = sorted({round(e) for e in np.linspace(1, total, most - is_running)} if total else set())
    limits = [(str(end), float(end)) for end in ends] + [("now", np.inf)] * is_running
    found_stages, known, before = list[Stage](), list[Candidate](), 0.0
    for label, limit in limits:
        new = [c for c in found if before < place.get(c.trial, np.inf) <= limit]
        rows = [[c.metrics[name] for name in objectives] for c in (*known, *new)]
        kept = non_dominated(np.reshape(rows, (-1, len(directions))), directions)
        known = [c for c, keep in zip((*known, *new), kept, strict=True) if keep]
        found_stages.append(Stage(label, new, known))
        before = limit
    return found_stages
