"""When the hypervolume has stood still: a pure function of the trials in the order of their end."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from search.candidates import candidates, objective_values
from search.config import StudyConfig
from search.front import hypervolume, losses, non_dominated
from search.trial import Trial

# A front still creeps when nothing is left to find: by less than this share it stands still.
MIN_GAIN: Final = 1e-3


@final
class Stagnation:
    """Counts finished trials since the hypervolume last grew by a thousandth.

    Args:
        config: The study file.
        ceiling: Metric -> the reference point's value. Objectives without one take the worst value
            so far, the same for both hypervolumes that are compared.
    """

    def __init__(self, config: StudyConfig, ceiling: Mapping[str, float]):
        self._config = config
        self._ceiling = ceiling
        num_objectives = len(config.objectives)
        self._front = np.zeros((0, num_objectives))
        self._mark = np.zeros((0, num_objectives))  # the front when the hypervolume last grew
        self._worst = np.full(num_objectives, -np.inf)  # as losses
        self.num_still = 0

    @property
    def is_over(self) -> bool:
        """Whether it has stood still for as many trials as the study file says."""
        limit = self._config.budget.still_trials
        return limit is not None and self.num_still >= limit

    def observe(self, trial: Trial) -> int:
        """Returns for how many finished trials the hypervolume has stood still, this one included.

        Args:
            trial: The next one that ended, with everything it measured.
        """
        directions = self._config.directions
        values = objective_values(self._config, candidates(self._config, [trial]))
        if len(values):
            self._worst = np.maximum(self._worst, losses(values, directions).max(axis=0))
            front = np.concatenate([self._front, values])
            self._front = front[non_dominated(front, directions)]
        before, after = self._hypervolume(self._mark), self._hypervolume(self._front)
        is_first_gain = before == 0.0 and not np.array_equal(self._front, self._mark)
        if is_first_gain or after > before * (1 + MIN_GAIN):
            self._mark, self.num_still = self._front, 0
        else:
            self.num_still += 1
        return self.num_still

    def restart(self) -> None:
        """Counts from here: someone gave the search more to do."""
        self.num_still = 0

    def _hypervolume(self, front: NDArray[np.float64]) -> float:
        if not len(front):
            return 0.0
        directions = self._config.directions
        worst = losses(self._worst, directions)  # the same change of sign turns it back
        names = self._config.objectives
        corner = [self._ceiling.get(name, worst[i]) for i, name in enumerate(names)]
        return hypervolume(front, corner, directions)


def replayed(
    config: StudyConfig, prepared: Mapping[str, Any], trials: Sequence[Trial]
) -> Stagnation:
    """Returns a watch that has seen all trials that ended, in their order.

    Args:
        config: The study file.
        prepared: See `SearchRecord`.
        trials: All of the search.
    """
    still = Stagnation(config, prepared.get("ceiling") or {})
    for count, trial in enumerate(in_order_of_end(trials), start=1):
        still.observe(trial)
        if count <= prepared.get("still_from", 0):
            still.restart()  # someone has asked for more since
    return still


def in_order_of_end(trials: Sequence[Trial]) -> list[Trial]:
    """Returns the trials that ended, the first one first."""
    ended = [trial for trial in trials if trial.state.is_finished]
    return sorted(ended, key=lambda trial: (trial.finished_at or 0.0, trial.number))
