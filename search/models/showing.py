"""What a worker makes of a model of the front, for people to look at and to load."""

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from search.config import StudyConfig
from search.errors import NotFoundError
from search.models.images import ImageFolders
from search.models.params import own_sampler
from search.models.stored import load_candidate
from search.seeds import Purpose, derive_seed
from search.showcase import Showcase
from search.store import TrialStore
from search.tracking.saved_models import save_model
from search.trial import Params
from vaemodels.analysis.report import draw_latent_pictures
from vaemodels.analysis.subject import AnalysisImages, Subject
from vaemodels.data import Dataset
from vaemodels.devices import release_memory
from vaemodels.functional import functional_decoder, functional_encoder
from vaemodels.training import Trainer

# Enough for a picture, and t-SNE of 1,000 takes two seconds more; `vaesearch analyze` takes all.
_MOST_IMAGES: Final = 500


def show(
    config: StudyConfig,
    search_id: str,
    store: str,
    folders: ImageFolders,
    candidates: list[tuple[int, int]],
    params: Mapping[int, Params],
) -> int:
    """Writes into the store what is to be shown of candidates; returns of how many.

    Args:
        config: The study file.
        search_id: The search.
        store: Its store.
        folders: Its images.
        candidates: (trial, epoch) pairs. Of one that cannot be drawn, for example because its
            weights are gone, the reason is written, so that nobody tries again.
        params: Of these trials, what is fixed included.

    Raises:
        StoreError: If the store takes nothing.
    """
    dataset = folders.images()
    trial_store, showcase = TrialStore(store, search_id), Showcase(store, search_id)
    for trial, epoch in candidates:
        release_memory()  # of the model before
        try:
            model = load_candidate(trial_store, dataset, trial, epoch)
            if model is None:
                raise NotFoundError("The store keeps no weights of it.")
            files = _shown(config, dataset, model, params[trial])
        except Exception as error:  # noqa: BLE001 - whatever is odd about one, the others are drawn
            files = {"error.txt": f"{type(error).__name__}: {error}\n".encode()}
        showcase.add(trial, epoch, files)
    return len(candidates)


def _shown(
    config: StudyConfig, dataset: Dataset, model: Trainer, params: Params
) -> dict[str, bytes]:
    """Returns path -> content: pictures of the latent space on test images, and the encoder and
    the decoder as MLflow saves Keras models, each in its folder.

    Args:
        config: The study file.
        dataset: Its images.
        model: As it was after the candidate's epoch.
        params: Of its trial, what is fixed included.
    """
    seed = derive_seed(config.seed, Purpose.REMEASURING)
    subject = Subject(model.inference, _few_images(dataset), [own_sampler(params)], seed)
    parts = {"encoder": functional_encoder, "decoder": functional_decoder}
    with tempfile.TemporaryDirectory(prefix="vaesearch-") as scratch:
        folder = Path(scratch)
        draw_latent_pictures(subject, folder)
        for name, make in parts.items():
            save_model(make(model.vae), folder / name)
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _few_images(dataset: Dataset) -> AnalysisImages:
    """Returns test images, evenly spread over all."""
    images = AnalysisImages.of(dataset)
    count = len(images.images)
    rows = np.linspace(0, count - 1, min(count, _MOST_IMAGES)).astype(np.int64)
    labels = None if images.labels is None else images.labels[rows]
    return dataclasses.replace(images, images=images.images[rows], labels=labels)
