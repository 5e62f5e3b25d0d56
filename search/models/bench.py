"""What a worker keeps from trial to trial, and the training of one model on it."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final, final

import numpy as np

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
from vaemodels.devices import release_memory
from vaemodels.io import write_weights
from vaemodels.metrics.image_quality import ImageQuality
from vaemodels.training import Trainer

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
        self.measurer(0)  # what cannot be opened is no trial's fault

    def start(self, assignment: Assignment, should_stop: Callable[[], bool]) -> TrialRun:
        """Returns an attempt that goes on from the trial's newest checkpoint.

        Args:
            assignment: The trial and the attempt.
            should_stop: Asked between compiled chunks; once true, the run saves and ends.

        Raises:
            SearchError: If the params make no model, or the store refuses.
        """
        release_memory()  # of the trial before
        try:
            self.measurer(assignment.repeat)
        except (OSError, ValueError) as error:  # no fault of the training
            raise StoreError(f"Cannot open what judges the test images: {error}.") from error
        training = ModelTraining(self, assignment, should_stop)
        return TrialRun(self.config, self._store(assignment), assignment, training)

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
        )
        self._sampler = own_sampler(params)
        self._measurer = bench.measurer(assignment.repeat)

    @property
    def epoch(self) -> int:
        return self._trainer.epoch

    @property
    def step(self) -> int:
        return self._trainer.step

    @property
    def train_seconds(self) -> float:
        return self._trainer.train_seconds

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
        sampler = trainer.latent_sampler(self._sampler)
        noise = self._measurer.noise(sampler.noise_width)[:_SHEET_IMAGES]
        samples = trainer.generate(noise, sampler)
        count = _SHEET_IMAGES // 2
        originals = dataset.validation.images[:count] / np.float32(dataset.scale)
        rebuilt = trainer.inference.reconstruct(originals)
        pairs = image_pairs(originals, rebuilt)
        return {"samples.png": _png(samples), "reconstructions.png": _png(pairs)}

    def config(self) -> bytes:
        return json.dumps(self._trainer.vae.config.to_json(), indent=1).encode()

    def save(self, file: BinaryIO) -> None:
        self._trainer.save(file)

    def restore(self, file: BinaryIO) -> None:
        self._trainer.restore(file)


def _png(images: Any) -> bytes:
    file = io.BytesIO()
    write_png(image_sheet(images, columns=_SHEET_COLUMNS), file)
    return file.getvalue()
