"""What a study will cost, from its smallest and largest model."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any, Final, final

from search.config import StudyConfig
from search.models.preview import Preview

_KEPT_STATES: Final = 2


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Costs:
    """What a study will cost.

    Attributes:
        num_workers: Trials at once on this machine.
        search_seconds: If every trial were as quick as the smallest, as slow as the largest model.
        memory_bytes: Of one worker.
        disk_bytes: If every measured epoch of every trial were kept.
        models: The smallest and the largest model.
    """

    num_workers: int
    search_seconds: tuple[float, float]
    memory_bytes: int
    disk_bytes: int
    models: Sequence[Preview]

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return dataclasses.asdict(self)


def estimate(config: StudyConfig, models: Sequence[Preview]) -> Costs:
    """Returns the costs of a study, from its smallest and its largest model."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    fitting = max(1, int((cores or 1) / config.resources.cpus))
    num_workers = min(config.budget.trials, config.resources.workers or fitting)
    seconds = [m.trial_seconds(config) * config.budget.trials / num_workers for m in models]
    measured = -(-config.budget.epochs // config.measure.every_epochs)
    largest = models[-1]
    kept = _KEPT_STATES * largest.state_bytes + measured * 4 * largest.num_parameters
    return Costs(
        num_workers=num_workers,
        search_seconds=(min(seconds), max(seconds)),
        memory_bytes=max(m.memory_bytes for m in models),
        disk_bytes=config.budget.trials * kept,
        models=models,
    )
