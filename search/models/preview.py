"""What a study will cost: its smallest and largest model, built and trained for a moment."""

import dataclasses
import io
import resource
import sys
import time
from typing import Final, final

from search.config import StudyConfig
from search.models.corners import corner_models, refuse_ignored
from search.models.images import has_classes
from search.models.measuring import Measurer
from search.models.params import model_config, own_sampler, training_config
from search.trial import Params
from vaemodels.data import Dataset
from vaemodels.metrics.extractor import untrained_extractor
from vaemodels.metrics.image_quality import ImageQuality
from vaemodels.training import Trainer

_TRAIN_SECONDS: Final = 2.0


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """One model of a space, tried out.

    Attributes:
        params: Of the model.
        num_parameters: Trainable numbers.
        start_seconds: To build and trace (compile) it.
        epoch_seconds: Of training.
        measure_seconds: Of one measurement: generating images and judging them.
        state_bytes: Of one checkpoint.
        memory_bytes: Peak of the process that tried it, TensorFlow and images included.
    """

    params: Params
    num_parameters: int
    start_seconds: float
    epoch_seconds: float
    measure_seconds: float
    state_bytes: int
    memory_bytes: int

    def trial_seconds(self, config: StudyConfig) -> float:
        """Returns what a whole trial takes."""
        budget, every = config.budget.epochs, config.measure.every_epochs
        measured = -(-budget // every)
        return self.start_seconds + budget * self.epoch_seconds + measured * self.measure_seconds


def preview(config: StudyConfig, dataset: Dataset) -> list[Preview]:
    """Returns the smallest and the largest model of a study's space, each tried for two seconds.

    Raises:
        StudyConfigError: If a corner of the space cannot be built; the message says which and why.
    """
    refuse_ignored(config)
    sized = corner_models(config, dataset.image_shape)
    smallest = min(sized, key=lambda pair: pair[0])
    largest = max(sized, key=lambda pair: pair[0])
    return [_try(config, dataset, count, point) for count, point in (smallest, largest)]


def _try(config: StudyConfig, dataset: Dataset, num_parameters: int, point: Params) -> Preview:
    params = config.model_params(point)
    start = time.perf_counter()
    trainer = Trainer(
        model_config(params, dataset.image_shape),
        training_config(params, config.budget.epochs, seed=0),
        dataset.train.images,
        dataset.scale,
        should_stop=lambda: trainer.train_seconds > _TRAIN_SECONDS,
    )
    while trainer.epoch < config.budget.epochs and trainer.run_epoch() is not None:
        pass
    start_seconds = time.perf_counter() - start - trainer.train_seconds
    done = trainer.epoch + trainer.step / trainer.steps_per_epoch
    state = io.BytesIO()
    trainer.save(state)
    return Preview(
        params=point,
        num_parameters=num_parameters,
        start_seconds=start_seconds,
        epoch_seconds=trainer.train_seconds / done,
        measure_seconds=_measure_seconds(config, dataset, trainer, params),
        state_bytes=len(state.getvalue()),
        memory_bytes=_peak_memory(),
    )


def _measure_seconds(
    config: StudyConfig, dataset: Dataset, trainer: Trainer, params: Params
) -> float:
    """Returns what one measurement takes; judging is timed with an untrained extractor."""
    extractor = untrained_extractor(dataset) if has_classes(dataset) else None
    judge = ImageQuality(extractor, dataset.validation, dataset.scale) if extractor else None
    measurer = Measurer(config, dataset, dataset.validation, judge, seed=0)

    def measure() -> None:
        measurer.measure(trainer, own_sampler(params))

    measure()  # traces and compiles
    start = time.perf_counter()
    measure()
    return time.perf_counter() - start


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
