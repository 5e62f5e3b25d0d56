"""What a worker keeps from trial to trial, and the training of one model on it."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final, final

import numpy as np

from search.assignment import Assignment
from search.config import StudyConfig
from search.models.images import ImageFolders
from search.models.judge import open_judge
from search.models.measuring import Measurer
from search.models.params import model_config, own_sampler, training_config
from search.seeds import Purpose, derive_seed
from search.store import TrialStore
from search.trial_run import TrialRun
from vaemodels.analysis.sheets import image_pairs, image_sheet, write_png
from vaemodels.devices import release_memory
from vaemodels.io import write_weights
from vaemodels.training import Trainer

_SHEET_IMAGES: Final = 64  # of the final pictures of a trial
_SHEET_COLUMNS: Final = 16


@final
class Bench:
    """The images, their judge, the store."""

    def __init__(self, config: StudyConfig, search_id: str, store: str, folders: ImageFolders):
        self.config = config
        self.store = TrialStore(store, search_id)
        self.dataset = folders.images()
        judge = open_judge(folders, self.dataset, "validation")
        seed = derive_seed(config.seed, Purpose.GENERATING)
        self.measurer = Measurer(config, self.dataset, self.dataset.validation, judge, seed)

    def start(self, assignment: Assignment, should_stop: Callable[[], bool]) -> TrialRun:
        """Returns an attempt that goes on from the trial's newest checkpoint.

        Args:
            assignment: The trial and the attempt.
            should_stop: Asked between compiled chunks; once true, the run saves and ends.

        Raises:
            SearchError: If the params make no model, or the store refuses.
        """
        release_memory()  # of the trial before
        training = ModelTraining(self, assignment, should_stop)
        return TrialRun(self.config, self.store, assignment, training)


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
        return self._bench.measurer.measure(self._trainer, self._sampler)

    def weights(self) -> bytes:
        file = io.BytesIO()
        write_weights(self._trainer.vae, file)
        return file.getvalue()

    def pictures(self) -> dict[str, bytes]:
        """Returns PNG files of generated images, and of originals beside their reconstructions."""
        trainer, dataset = self._trainer, self._bench.dataset
        sampler = trainer.latent_sampler(self._sampler)
        noise = self._bench.measurer.noise(sampler.noise_width)[:_SHEET_IMAGES]
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
