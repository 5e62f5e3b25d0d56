"""What a worker makes of a model of the front, for people to look at and to load."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from search.config import StudyConfig
from search.models.params import own_sampler
from search.seeds import Purpose, derive_seed
from search.tracking.saved_models import save_model
from search.trial import Params
from vaemodels.analysis.report import draw_latents
from vaemodels.analysis.subject import AnalysisImages, Subject
from vaemodels.data import Dataset
from vaemodels.functional import functional_decoder, functional_encoder
from vaemodels.training import Trainer

# Enough for a picture; `vaesearch analyze` takes all.
_MOST_IMAGES: Final = 1_000


def shown(
    config: StudyConfig, dataset: Dataset, model: Trainer, params: Params
) -> dict[str, bytes]:
    """Returns path -> content: pictures of the latent space on test images, and the encoder and
    the decoder as MLflow saves Keras models, each in its folder.

    Args:
        config: The study file.
        dataset: Its images.
        model: As it was after the candidate's epoch.
        params: Of its trial, what is fixed included.

    Raises:
        ValueError: If nothing can be drawn of the model's codes, for example because it diverged.
        TrackerError: If MLflow refuses a model.
    """
    seed = derive_seed(config.seed, Purpose.REMEASURING)
    subject = Subject(model.inference, _few_images(dataset), [own_sampler(params)], seed)
    parts = {"encoder": functional_encoder, "decoder": functional_decoder}
    with tempfile.TemporaryDirectory(prefix="vaesearch-") as scratch:
        folder = Path(scratch)
        draw_latents(subject, folder)
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
