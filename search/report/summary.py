"""What a search found so far, as plain data: every table, picture and JSON is drawn from it."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from search.candidates import Candidate, candidates, label, objective_values, under
from search.config import StudyConfig
from search.front import (
    hypervolume,
    hypervolume_shares,
    knee,
    losses,
    non_dominated,
    rank_correlation,
    within_noise,
)
from search.models.vocabulary import EXTRA_METRICS, error_of
from search.report.advice import advise
from search.study.reader import SearchRecord
from search.trial import Params, Trial

# How far a value of 10,000 generated images may be off by the draw of the images alone: about two
# standard errors of FID, relative, and the 95 % bound of a class-frequency distance. Seeds of the
# training differ by far more; only training again can show that.
_FID_NOISE: Final = 0.01
_TVD_NOISE: Final = 0.008


@final
@dataclasses.dataclass(frozen=True, slots=True)
class FrontMember:
    """A candidate on the front.

    Attributes:
        trial: Its trial.
        epoch: After which epoch.
        values: Objectives on the validation images.
        share: Of the hypervolume, what would be lost without it.
        remeasured: FID, TVD and class gap on the test images and fresh draws, once measured.
        params: Of the trial.
        is_knee: Whether it is the nearest to the front's ideal corner.
        sampler: Its latent sampler, "" for the trial's own.
    """

    trial: int
    epoch: int
    values: Mapping[str, float]
    share: float
    remeasured: Mapping[str, float] | None
    params: Params
    is_knee: bool
    sampler: str = ""

    @property
    def label(self) -> str:
        """`trial@epoch[:sampler]`, as `vaesearch export` takes it."""
        return label(self.trial, self.epoch, self.sampler)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """What a search found.

    Attributes:
        name: Of the search.
        dataset: Its images.
        objectives: Name -> direction.
        num_trials: Trials it should hold in the end.
        states: State -> how many trials.
        num_candidates: Measured (trial, epoch, latent sampler) points.
        front: Its members, by the first objective.
        near: `trial@epoch` of the last point of each other trial within the noise of the front.
        noise: Objective -> its noise at the knee, for those that are drawn.
        best: Objective -> its best value.
        reference: The hypervolume's reference point by objective; None without candidates.
        hypervolume: Against it.
        floor: What real images score.
        ceiling: What the mean image scores.
        correlations: Pair of objectives -> Spearman's rank correlation over the candidates, of
            their losses: positive where they agree on what is good.
        advice: What a careful colleague would say, each a sentence.
    """

    name: str
    dataset: str
    objectives: Mapping[str, str]
    num_trials: int
    states: Mapping[str, int]
    num_candidates: int
    front: Sequence[FrontMember]
    near: Sequence[str]
    noise: Mapping[str, float]
    best: Mapping[str, float]
    reference: Mapping[str, float] | None
    hypervolume: float | None
    floor: Mapping[str, float] | None
    ceiling: Mapping[str, float] | None
    correlations: Mapping[str, float]
    advice: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return dataclasses.asdict(self)


def summarize(
    record: SearchRecord,
    trials: Sequence[Trial],
    remeasured: Mapping[tuple[int, int], Mapping[str, float]],
) -> Summary:
    """Returns what a search found so far.

    Args:
        record: The search.
        trials: All of its trials.
        remeasured: Test figures by (trial, epoch).
    """
    config = record.config
    prepared = record.prepared or {}
    found = candidates(config, trials)
    values = objective_values(config, found)
    on_front = non_dominated(values, config.directions)
    reference = reference_point(config, prepared.get("ceiling"), values)
    noise = _noise(config, found, values)
    front = _front(config, found, values, on_front, reference, trials, remeasured)
    return Summary(
        name=record.name,
        dataset=config.dataset.name,
        objectives=dict(config.objectives),
        num_trials=record.num_trials,
        states=dict(Counter(trial.state.value for trial in trials)),
        num_candidates=len(found),
        front=front,
        near=_near(config, found, values, on_front, noise),
        noise=_noise_at_knee(config, values[on_front], noise[on_front]),
        best=_best(config, values),
        reference=_named(config, reference),
        hypervolume=(
            None if reference is None else hypervolume(values, reference, config.directions)
        ),
        floor=prepared.get("floor"),
        ceiling=prepared.get("ceiling"),
        correlations=_correlations(config, values),
        advice=advise(config, trials, front, prepared),
    )


def reference_point(
    config: StudyConfig, ceiling: Mapping[str, float] | None, values: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Returns the hypervolume's reference point, `(num_objectives,)`, None without candidates.

    FID, TVD and class gap: those of the training-mean image, fixed when the study was prepared.
    Other objectives have no natural worst value: theirs is the worst one measured so far, so that
    their hypervolume can be compared within one state of the search only.
    """
    if len(values) == 0:
        return None
    worst = losses(values, config.directions).max(axis=0)
    corner = losses(worst, config.directions)  # the same change of sign turns it back
    known = ceiling or {}
    return np.array([known.get(name, corner[i]) for i, name in enumerate(config.objectives)])


def _front(
    config: StudyConfig,
    found: Sequence[Candidate],
    values: NDArray[np.float64],
    on_front: NDArray[np.bool_],
    reference: NDArray[np.float64] | None,
    trials: Sequence[Trial],
    remeasured: Mapping[tuple[int, int], Mapping[str, float]],
) -> list[FrontMember]:
    if reference is None:
        return []
    params = {trial.number: dict(trial.params) for trial in trials}
    members = [c for c, kept in zip(found, on_front, strict=True) if kept]
    points = values[on_front]
    shares = hypervolume_shares(points, reference, config.directions)
    middle = knee(points, config.directions)
    front = [
        FrontMember(
            trial=member.trial,
            epoch=member.epoch,
            values={name: member.metrics[name] for name in config.objectives},
            share=float(shares[index]),
            remeasured=_remeasured(member, remeasured),
            params=params[member.trial],
            is_knee=index == middle,
            sampler=member.sampler,
        )
        for index, member in enumerate(members)
    ]
    order = losses(points, config.directions)[:, 0].argsort(kind="stable")
    return [front[index] for index in order]


def _remeasured(
    member: Candidate, remeasured: Mapping[tuple[int, int], Mapping[str, float]]
) -> Mapping[str, float] | None:
    found = remeasured.get(member.key)
    return found if found is None or not member.sampler else under(member.sampler, found)


def _noisy(config: StudyConfig) -> list[tuple[int, str]]:
    drawn = ("fid", "tvd", "max_class_gap")
    return [(i, name) for i, name in enumerate(config.objectives) if name in drawn]


def _noise(
    config: StudyConfig, found: Sequence[Candidate], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns, like `values`, how far each may be off by its draws: two standard errors."""
    scale = (10_000 / config.measure.num_images) ** 0.5
    noise = np.zeros_like(values)
    for column, name in _noisy(config):
        noise[:, column] = scale * (_FID_NOISE * values[:, column] if name == "fid" else _TVD_NOISE)
    for column, name in enumerate(config.objectives):
        if name in EXTRA_METRICS:
            errors = [candidate.metrics.get(error_of(name), 0.0) for candidate in found]
            noise[:, column] = 2.0 * np.array(errors)
    return noise


def _noise_at_knee(
    config: StudyConfig, points: NDArray[np.float64], noise: NDArray[np.float64]
) -> dict[str, float]:
    if not len(points):
        return {}
    middle = knee(points, config.directions)
    return {name: float(noise[middle, column]) for column, name in _noisy(config)}


def _near(
    config: StudyConfig,
    found: Sequence[Candidate],
    values: NDArray[np.float64],
    on_front: NDArray[np.bool_],
    noise: NDArray[np.float64],
) -> list[str]:
    if not len(found):
        return []
    is_near = within_noise(values, on_front, noise, config.directions)
    members = {c.trial for c, kept in zip(found, on_front, strict=True) if kept}
    last: dict[int, str] = {}
    for candidate, near in zip(found, is_near, strict=True):
        if near and candidate.trial not in members:
            last[candidate.trial] = str(candidate)
    return list(last.values())


def _best(config: StudyConfig, values: NDArray[np.float64]) -> dict[str, float]:
    if not len(values):
        return {}
    best = losses(losses(values, config.directions).min(axis=0), config.directions)
    return {name: float(best[index]) for index, name in enumerate(config.objectives)}


def _named(config: StudyConfig, point: NDArray[np.float64] | None) -> dict[str, float] | None:
    return None if point is None else dict(zip(config.objectives, map(float, point), strict=True))


def _correlations(config: StudyConfig, values: NDArray[np.float64]) -> dict[str, float]:
    values = losses(values, config.directions)  # so that + means: they agree on what is good
    pairs = itertools.combinations(enumerate(config.objectives), 2)
    found = {f"{a}, {b}": rank_correlation(values[:, i], values[:, j]) for (i, a), (j, b) in pairs}
    return {pair: value for pair, value in found.items() if value is not None}
