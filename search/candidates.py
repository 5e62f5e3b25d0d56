"""Candidates: every measured (trial, epoch) whose objectives are finite may be on the front."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from search.config import StudyConfig
from search.front import non_dominated
from search.trial import Trial


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """One trial as it was after one epoch."""

    trial: int
    epoch: int
    metrics: Mapping[str, float]

    @property
    def key(self) -> tuple[int, int]:
        """(trial, epoch)."""
        return self.trial, self.epoch

    def __str__(self) -> str:
        return f"{self.trial}@{self.epoch}"


def candidates(config: StudyConfig, trials: Sequence[Trial]) -> list[Candidate]:
    """Returns all candidates of a search, by trial and epoch; a failed trial's epochs count too."""
    return [
        Candidate(trial.number, item.epoch, item.metrics)
        for trial in trials
        for item in trial.measurements
        if item.has(config.objectives)
    ]


def objective_values(config: StudyConfig, found: Sequence[Candidate]) -> NDArray[np.float64]:
    """Returns `(num_candidates, num_objectives)`."""
    rows = [[candidate.metrics[name] for name in config.objectives] for candidate in found]
    return np.array(rows, dtype=np.float64).reshape(len(found), len(config.objectives))


def front_candidates(config: StudyConfig, trials: Sequence[Trial]) -> list[tuple[int, int]]:
    """Returns (trial, epoch) of the candidates that no other beats."""
    found = candidates(config, trials)
    keep = non_dominated(objective_values(config, found), config.directions)
    return [item.key for item, kept in zip(found, keep, strict=True) if kept]
