"""What a confirmation trains: which candidates, after which epochs, and what comes next.

All of it follows from what is recorded, so that a confirmation goes on where it was.
"""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from search.candidates import Candidate, candidates, label, objective_values, under
from search.confirm import (
    bars_apart,
    estimate,
    front_probability,
    next_repeat,
    pooled_spread,
)
from search.front import non_dominated
from search.report.summary import summarize
from search.study.confirmations import Confirmation
from search.study.reader import SearchRecord
from search.trial import Measurement, Trial

_FIRST: Final = (1, 2)  # repeats from which the spread between trainings is told


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """A candidate that is trained again.

    Attributes:
        trial: Its trial.
        epoch: To which epoch.
        sampler: Its latent sampler, "" for the trial's own.
        origin: `front`; `near`, within the noise of its draws; `overlap`, within the spread of
            trainings; `other`, confirmed on another occasion.
        searched: Metrics of the search after that epoch; None if it measured none there.
    """

    trial: int
    epoch: int
    sampler: str
    origin: str
    searched: Mapping[str, float] | None = None

    @property
    def label(self) -> str:
        """`trial@epoch[:sampler]`."""
        return label(self.trial, self.epoch, self.sampler)


@final
class Plan:
    """The plan of a confirmation, for a search as it stands.

    Args:
        record: The search.
        trials: All of its trials.
        seeds: Repeats that every trial should have in the end.
        epochs: To train all to so many; None for each candidate's own.
    """

    def __init__(
        self,
        record: SearchRecord,
        trials: Sequence[Trial],
        seeds: int = 1,
        epochs: int | None = None,
    ):
        self.config = record.config
        self.seeds = seeds
        self.epochs = epochs
        self._objectives = list(record.config.objectives)
        self.params = {trial.number: dict(trial.params) for trial in trials}
        self._found = candidates(self.config, trials)
        self._measured = {candidate.key for candidate in self._found}
        self._values = objective_values(self.config, self._found)
        self._on_front = non_dominated(self._values, self.config.directions)
        near = set(summarize(record, trials, {}).near)
        chosen = zip(self._found, self._on_front, strict=True)
        core = [
            self._subject(candidate, "front" if on_front else "near")
            for candidate, on_front in chosen
            if on_front or str(candidate) in near
        ]
        self._core = _each_once(core)

    @property
    def has_front(self) -> bool:
        """Whether there is anything to confirm."""
        return bool(self._core)

    @property
    def num_candidates(self) -> int:
        """Candidates that the search chose among."""
        return len(self._found)

    def is_own(self, row: Confirmation) -> bool:
        """Returns whether the search has measured the trial after that epoch, too."""
        return (row.trial, row.epoch) in self._measured

    def subjects(self, rows: Sequence[Confirmation]) -> list[Subject]:
        """Returns the candidates to confirm, each once: the front, what is near it, what joined."""
        return _each_once([*self._core, *self._joined(rows)])

    def recorded(self, rows: Sequence[Confirmation]) -> list[Subject]:
        """Returns the candidates that have figures, also those of an older front."""
        now = self.subjects(rows)
        measured = {(row.trial, row.epoch) for row in rows}
        samplers = {item.trial: item.sampler for item in now}
        known = {(item.trial, item.epoch) for item in now}
        by_label = {str(candidate): candidate for candidate in self._found}
        others = []
        for trial, epoch in sorted(measured - known):
            sampler = samplers.get(trial, "")
            searched = by_label.get(label(trial, epoch, sampler))
            is_own = searched is not None if self.epochs is None else epoch == self.epochs
            if is_own:
                metrics = searched.metrics if searched else None
                others.append(Subject(trial, epoch, sampler, "other", metrics))
        return [item for item in now if (item.trial, item.epoch) in measured] + others

    def missing(self, rows: Sequence[Confirmation]) -> dict[tuple[int, int], list[int]]:
        """Returns (trial, repeat) -> epochs after which to measure, of all that is still to do."""
        epochs = self.epochs_by_trial(rows)
        done = _done(epochs, rows)
        repeats = range(1, self.seeds + 1)
        return {(t, k): epochs[t] for t in epochs for k in repeats if k not in done[t]}

    def num_wanted(self, rows: Sequence[Confirmation]) -> int:
        """Returns how many trainings the confirmation is made of."""
        return self.seeds * len(self.epochs_by_trial(rows))

    def next(
        self, rows: Sequence[Confirmation], taken: Iterable[tuple[int, int]]
    ) -> tuple[int, int] | None:
        """Returns the (trial, repeat) to train next, None if nothing is left.

        Args:
            rows: What is recorded.
            taken: Repeats that are under way, or were given up.
        """
        subjects = self.subjects(rows)
        done = _done(self.epochs_by_trial(rows), rows)
        for trial, repeat in taken:
            if trial in done:
                done[trial].add(repeat)
        chances = front_probability(
            estimate([self.values(subject, rows) for subject in subjects]), self.config.directions
        )
        by_trial = defaultdict(list)
        for subject, chance in zip(subjects, chances, strict=True):
            by_trial[subject.trial].append(float(chance))
        return next_repeat(done, by_trial, self.seeds)

    def values(self, subject: Subject, rows: Sequence[Confirmation]) -> NDArray[np.float64]:
        """Returns `(num_repeats, num_objectives)` of a candidate; NaN where a training failed."""
        by_repeat = self.by_repeat(subject, rows)
        return np.array(list(by_repeat.values()), float).reshape(-1, len(self._objectives))

    def by_repeat(self, subject: Subject, rows: Sequence[Confirmation]) -> dict[int, list[float]]:
        """Returns repeat -> objectives of a candidate; all NaN where a training failed."""
        found = {}
        for row in rows:
            if (row.trial, row.epoch) == (subject.trial, subject.epoch):
                metrics = under(subject.sampler, row.metrics) if subject.sampler else row.metrics
                is_whole = Measurement(row.epoch, metrics, row.unix_time).has(self._objectives)
                values = [metrics.get(name, math.nan) for name in self._objectives]
                found[row.repeat] = values if is_whole else [math.nan] * len(values)
        return found

    def epochs_by_trial(self, rows: Sequence[Confirmation]) -> dict[int, list[int]]:
        """Returns trial -> epochs after which its repeats are measured; the last one ends them."""
        epochs = defaultdict(set)
        for subject in self.subjects(rows):
            epochs[subject.trial].add(subject.epoch)
        return {trial: sorted(found) for trial, found in epochs.items()}

    def _joined(self, rows: Sequence[Confirmation]) -> list[Subject]:
        """Returns further trials whose error bars overlap the front's, their nearest candidate.

        At most as many as the front has. Told by the first two repeats of all others alone: it
        then matters neither in which order, nor by how many workers, the rest was trained.
        """
        core = {item.trial for item in self._core}
        first = [row for row in rows if row.repeat in _FIRST]
        epochs = defaultdict(set)
        for item in self._core:
            epochs[item.trial].add(item.epoch)
        done = _done({trial: sorted(found) for trial, found in epochs.items()}, first)
        if not core or any(len(repeats) < len(_FIRST) for repeats in done.values()):
            return []
        spread = pooled_spread([self.values(item, first) for item in self._core])
        if spread.degrees == 0:
            return []
        bars = spread.at(self._values)
        apart = bars_apart(self._values, self._on_front, bars, self.config.directions)
        nearest: dict[int, tuple[float, Candidate]] = {}
        for candidate, distance in zip(self._found, apart, strict=True):
            best = nearest.get(candidate.trial, (1.0 + 1e-9, candidate))[0]
            if candidate.trial not in core and distance < best:
                nearest[candidate.trial] = (float(distance), candidate)
        limit = len({item.trial for item in self._core if item.origin == "front"})
        order = sorted(nearest.values(), key=lambda pair: (pair[0], pair[1].trial))
        return [self._subject(candidate, "overlap") for _, candidate in order[:limit]]

    def _subject(self, candidate: Candidate, origin: str) -> Subject:
        epoch = candidate.epoch if self.epochs is None else self.epochs
        metrics: Mapping[str, float] | None = candidate.metrics
        if epoch != candidate.epoch:
            name = label(candidate.trial, epoch, candidate.sampler)
            metrics = next((c.metrics for c in self._found if str(c) == name), None)
        return Subject(candidate.trial, epoch, candidate.sampler, origin, metrics)


def _each_once(subjects: Iterable[Subject]) -> list[Subject]:
    """Returns subjects without those that `epochs` made the same."""
    found: dict[str, Subject] = {}
    for item in subjects:
        found.setdefault(item.label, item)
    return list(found.values())


def _done(epochs: Mapping[int, Sequence[int]], rows: Sequence[Confirmation]) -> dict[int, set[int]]:
    """Returns trial -> repeats of which every epoch is recorded."""
    keys = {row.key for row in rows}
    repeats = {row.repeat for row in rows}
    return {
        trial: {k for k in repeats if all((trial, k, epoch) in keys for epoch in wanted)}
        for trial, wanted in epochs.items()
    }
