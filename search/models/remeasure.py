"""Test figures of stored weights: fresh draws, the test split, nothing chosen by them."""

import io
import json
from collections.abc import Mapping

from search.config import StudyConfig
from search.errors import StoreError
from search.models.images import ImageFolders
from search.models.judge import open_judge
from search.models.measuring import Measurer
from search.models.params import own_sampler
from search.seeds import Purpose, derive_seed
from search.store import Checkpoint, TrialStore
from search.trial import Params
from vaemodels.config import TrainingConfig, VAEConfig
from vaemodels.data import Dataset
from vaemodels.io import read_weights
from vaemodels.training import Trainer


def remeasure(
    config: StudyConfig,
    search_id: str,
    store: str,
    folders: ImageFolders,
    candidates: list[tuple[int, int]],
    params: Mapping[int, Params],
) -> dict[tuple[int, int], dict[str, float]]:
    """Returns what candidates score on the test images: FID, TVD, class gap and the loss terms.

    All of them are measured with the same noise, which no trial was measured with.

    Args:
        config: The study file.
        search_id: The search.
        store: Its store.
        folders: Its images and their judge.
        candidates: (trial, epoch) pairs. One whose weights are gone or damaged is left out.
        params: Of these trials, what is fixed included.
    """
    dataset = folders.images()
    judge = open_judge(folders, dataset, "test")
    seed = derive_seed(config.seed, Purpose.REMEASURING)
    measurer = Measurer(config, dataset, dataset.test, judge, seed)
    trial_store = TrialStore(store, search_id)
    figures = {}
    for trial, epoch in candidates:
        try:
            model = load_candidate(trial_store, dataset, trial, epoch)
        except StoreError:
            continue
        if model is not None:
            figures[trial, epoch] = measurer.measure(model, own_sampler(params[trial]))
    return figures


def load_candidate(store: TrialStore, dataset: Dataset, trial: int, epoch: int) -> Trainer | None:
    """Returns the model of a trial as it was after an epoch, None if its weights are not kept.

    Raises:
        StoreError: If what is stored is damaged.
    """
    found = candidate_files(store, trial, epoch)
    if found is None:
        return None
    model, weights = found
    config = VAEConfig.from_json(json.loads(model))
    trainer = Trainer(config, TrainingConfig(epochs=1), dataset.train.images, dataset.scale)
    read_weights(trainer.vae, io.BytesIO(weights))
    return trainer


def candidate_files(store: TrialStore, trial: int, epoch: int) -> tuple[bytes, bytes] | None:
    """Returns the config and the weights of a candidate as stored, None if they are not kept."""
    checkpoint = store.newest(trial)
    name = checkpoint.notes["weights"].get(str(epoch)) if checkpoint else None
    if checkpoint is None or name is None:
        return None
    return store.read(checkpoint, "config.json"), store.read(checkpoint, name)


def kept_epochs(checkpoint: Checkpoint | None) -> list[int]:
    """Returns the epochs of a trial whose weights are kept."""
    return sorted(int(epoch) for epoch in checkpoint.notes["weights"]) if checkpoint else []
