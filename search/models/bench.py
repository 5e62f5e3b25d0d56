"""What a worker keeps from trial to trial, and the training of one model on it."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final, final

import numpy as np
from numpy.typing import NDArray

from search.assignment import Assignment
from search.config import StudyConfig
from search.errors import StoreError
from search.models.images import ImageFolders
from search.models.judge import open_judge
from search.models.measuring import Measurer
from search.models.params import model_config, own_sampler, training_config
from search.seeds import Purpose, derive_seed
from search.store import TrialStore, confirmation_folder
from search.trial_run import TrialRun
from vaemodels.analysis.sheets import image_pairs, image_sheet, write_png
from vaemodels.compiling import seconds_compiling
from vaemodels.devices import forget_peak_memory, peak_memory, release_memory
from vaemodels.io import write_weights
from vaemodels.metrics.image_quality import ImageQuality
from vaemodels.training import ModelCache, Trainer

_SHEET_IMAGES: Final = 64  # of the final pictures of a trial
_SHEET_COLUMNS: Final = 16


@final
class Bench:
    """The images, their judges, the store.

    A search measures on the validation images, all trials with one noise. A repeat of a
    confirmation measures on the test images, with a noise of its own that its trials share.
    """

    def __init__(self, config: StudyConfig, search_id: str, store: str, folders: ImageFolders):
        self.config = config
        self.dataset = folders.images()
        self._root, self._search_id, self._folders = store, search_id, folders
        self._judges: dict[str, ImageQuality | None] = {}  # by split
        self._measurers: dict[int, Measurer] = {}  # by repeat
        self.models = ModelCache()
        self._training: ModelTraining | None = None
        self.measurer(0)  # what cannot be opened is no trial's fault

    def start(self, assignment: Assignment, should_stop: Callable[[], bool]) -> TrialRun:
        """Returns an attempt that goes on from the trial's newest checkpoint.

        Args:
            assignment: The trial and the attempt.
            should_stop: Asked between compiled chunks; once true, the run saves and ends.

        Raises:
            SearchError: If the params make no model, or the store refuses.
        """
        if self._training is not None:
            self._training.close()
            self._training = None
        release_memory()  # of the trial before
        forget_peak_memory()
        try:
            self.measurer(assignment.repeat)
        except (OSError, ValueError) as error:  # no fault of the training
            raise StoreError(f"Cannot open what judges the test images: {error}.") from error
        self._training = ModelTraining(self, assignment, should_stop)
        return TrialRun(self.config, self._store(assignment), assignment, self._training)

    def measurer(self, repeat: int) -> Measurer:
        """Returns what measures the trainings of a repeat; 0 is the search itself."""
        if repeat not in self._measurers:
            name, seed = "validation", self.config.seed
            if repeat:
                name, seed = "test", derive_seed(seed, Purpose.CONFIRMING, repeat)
            seed = derive_seed(seed, Purpose.GENERATING)
            split = self.dataset.test if repeat else self.dataset.validation
            judge = self._judge(name)
            self._measurers[repeat] = Measurer(self.config, self.dataset, split, judge, seed)
        return self._measurers[repeat]

    def _judge(self, split: str) -> ImageQuality | None:
        if split not in self._judges:
            self._judges[split] = open_judge(self._folders, self.dataset, split)
        return self._judges[split]

    def _store(self, assignment: Assignment) -> TrialStore:
        folder = self._search_id
        if assignment.repeat:
            folder = confirmation_folder(folder, assignment.repeat, assignment.epochs)
        return TrialStore(self._root, folder)


@final
class ModelTraining:
    """The training of one autoencoder, as `search.trial_run` wants it."""

    def __init__(self, bench: Bench, assignment: Assignment, should_stop: Callable[[], bool]):
        self._bench = bench
        config, dataset = bench.config, bench.dataset
        params = config.model_params(assignment.params)
        self._trainer = Trainer(
            model_config(params, dataset.image_shape),
            training_config(params, config.budget.epochs, assignment.seed),
            dataset.train.images,
            dataset.scale,
            should_stop,
            bench.models,
        )
        self._sampler = own_sampler(params)
        self._measurer = bench.measurer(assignment.repeat)
        self._mark = (0, 0.0)  # images and seconds of training when costs were last asked for

    @property
    def epoch(self) -> int:
        return self._trainer.epoch

    @property
    def step(self) -> int:
        return self._trainer.step

    @property
    def compile_seconds(self) -> float:
        return seconds_compiling()

    @property
    def is_reused(self) -> bool:
        return self._trainer.is_reused

    def close(self) -> None:
        """Gives the model back, for a later training of the same architecture."""
        self._trainer.close()

    def costs(self) -> dict[str, float]:
        """Returns `train_seconds` over all attempts; of this one the images per second of training
        since the last call, and the most memory that was in use at once, in units of 2**20 bytes.
        """
        trainer = self._trainer
        images, seconds = self._num_images() - self._mark[0], trainer.train_seconds - self._mark[1]
        self._mark = self._num_images(), trainer.train_seconds
        speed = {"images_per_second": images / seconds} if seconds > 0 else {}
        return {"train_seconds": trainer.train_seconds, **speed, **peak_memory()}

    def run_epoch(self) -> Mapping[str, float] | None:
        return self._trainer.run_epoch()

    def measure(self) -> dict[str, float]:
        return self._measurer.measure(self._trainer, self._sampler)

    def weights(self) -> bytes:
        file = io.BytesIO()
        write_weights(self._trainer.vae, file)
        return file.getvalue()

    def pictures(self) -> dict[str, bytes]:
        """Returns PNG files of generated images, and of originals beside their reconstructions."""
        trainer, dataset = self._trainer, self._bench.dataset
        samples = self._samples(_SHEET_IMAGES)
        count = _SHEET_IMAGES // 2
        stored, scale = dataset.validation.images[:count], dataset.scale
        # By the means of an evaluation, which is compiled already.
        rebuilt = trainer.inference.reconstruct_from(trainer.evaluate_with_means(stored, scale)[1])
        pairs = image_pairs(stored / np.float32(scale), rebuilt)
        return {"samples.png": _png(samples), "reconstructions.png": _png(pairs)}

    def strip(self) -> bytes | None:
        """Returns a PNG file of a row of images generated from the same noise at every call; None
        if the model generates none, for example because it has diverged."""
        try:
            return _png(self._samples(_SHEET_COLUMNS))
        except ValueError:
            return None

    def config(self) -> bytes:
        return json.dumps(self._trainer.vae.config.to_json(), indent=1).encode()

    def save(self, file: BinaryIO) -> None:
        self._trainer.save(file)

    def restore(self, file: BinaryIO) -> None:
        self._trainer.restore(file)
        self._mark = self._num_images(), self._trainer.train_seconds

    def _num_images(self) -> int:
        """Returns how many images were trained on, counting one again in every epoch."""
        trainer = self._trainer
        return (trainer.epoch * trainer.steps_per_epoch + trainer.step) * trainer.batch_size

    def _samples(self, count: int) -> NDArray[np.float32]:
        sampler = self._trainer.latent_sampler(self._sampler)
        return self._trainer.generate(self._measurer.noise(sampler.noise_width)[:count], sampler)


def _png(images: Any) -> bytes:
    file = io.BytesIO()
    write_png(image_sheet(images, columns=_SHEET_COLUMNS), file)
    return file.getvalue()
