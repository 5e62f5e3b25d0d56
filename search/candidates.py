"""Candidates: every measured (trial, epoch, latent sampler) with finite objectives may be on the
front. Latent samplers are compared on the same weights."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from search.config import StudyConfig
from search.front import non_dominated
from search.models.vocabulary import IMAGE_METRICS, error_of, sampled
from search.trial import Measurement, Trial


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """One trial as it was after one epoch, drawing from one latent sampler.

    Attributes:
        trial: Its number.
        epoch: After which epoch.
        metrics: Those of images are the sampler's.
        sampler: "" for the trial's own.
    """

    trial: int
    epoch: int
    metrics: Mapping[str, float]
    sampler: str = ""

    @property
    def key(self) -> tuple[int, int]:
        """(trial, epoch): which weights."""
        return self.trial, self.epoch

    def __str__(self) -> str:
        return label(self.trial, self.epoch, self.sampler)


def label(trial: int, epoch: int, sampler: str) -> str:
    """Returns a candidate's name, `trial@epoch`, with the sampler where it is not the trial's."""
    return f"{trial}@{epoch}" + (f":{sampler}" if sampler else "")


def candidates(config: StudyConfig, trials: Sequence[Trial]) -> list[Candidate]:
    """Returns all candidates of a search, by trial and epoch; a failed trial's epochs count too."""
    return [
        Candidate(trial.number, item.epoch, metrics, sampler)
        for trial in trials
        for item in trial.measurements
        for sampler, metrics in by_sampler(config, item)
    ]


def by_sampler(
    config: StudyConfig, measurement: Measurement
) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Yields (latent sampler, metrics under it) wherever all objectives are there and finite."""
    if measurement.has(config.objectives):
        yield "", measurement.metrics
    if not IMAGE_METRICS & set(config.objectives):
        return  # every sampler would be the same point
    for sampler in config.measure.latent_samplers:
        metrics = under(sampler, measurement.metrics)
        if metrics and dataclasses.replace(measurement, metrics=metrics).has(config.objectives):
            yield sampler, metrics


def under(sampler: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """Returns metrics with those of images taken from a sampler; empty if it has none."""
    of_images = IMAGE_METRICS | {error_of(name) for name in IMAGE_METRICS}
    own = {name: metrics.get(sampled(name, sampler)) for name in of_images}
    found = {name: value for name, value in own.items() if value is not None}
    others = {name: value for name, value in metrics.items() if name not in of_images}
    return {**others, **found} if found else {}


def objective_values(config: StudyConfig, found: Sequence[Candidate]) -> NDArray[np.float64]:
    """Returns `(num_candidates, num_objectives)`."""
    rows = [[candidate.metrics[name] for name in config.objectives] for candidate in found]
    return np.array(rows, dtype=np.float64).reshape(len(found), len(config.objectives))


def front_candidates(config: StudyConfig, trials: Sequence[Trial]) -> list[tuple[int, int]]:
    """Returns (trial, epoch) of the weights with a candidate that no other beats, each once."""
    found = candidates(config, trials)
    keep = non_dominated(objective_values(config, found), config.directions)
    return list(dict.fromkeys(c.key for c, kept in zip(found, keep, strict=True) if kept))
