"""Models that the store keeps: which there are, and taking one out."""

import io
import json
from pathlib import Path

from search.errors import NotFoundError, SearchError, StoreError
from search.store import Checkpoint, TrialStore
from vaemodels.config import TrainingConfig, VAEConfig
from vaemodels.data import Dataset
from vaemodels.io import read_weights
from vaemodels.training import Trainer


def load_candidate(store: TrialStore, dataset: Dataset, trial: int, epoch: int) -> Trainer | None:
    """Returns the model of a trial as it was after an epoch, None if its weights are not kept.

    Raises:
        StoreError: If what is stored is damaged, or made by other code of the user's.
    """
    found = candidate_files(store, trial, epoch)
    if found is None:
        return None
    model, weights = found
    try:
        config = VAEConfig.from_json(json.loads(model))
        trainer = Trainer(config, TrainingConfig(epochs=1), dataset.train.images, dataset.scale)
        read_weights(trainer.vae, io.BytesIO(weights))
    except ValueError as error:  # damaged, or of code of the user's that has changed since
        raise StoreError(f"Cannot use the weights of trial {trial}: {error}") from error
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


def chosen_epoch(store: TrialStore, name: str, trial: int, epoch: int | None) -> int:
    """Returns an epoch of a trial whose weights are kept; by default the last one.

    Raises:
        NotFoundError: If the trial or the epoch's weights are not kept; the message lists which.
    """
    kept = kept_epochs(store.newest(trial))
    if not kept:
        raise NotFoundError(
            f"`{name}` keeps no weights of trial {trial}. `vaesearch status {name}` lists its "
            "trials: there are none of one that failed, that was not measured, or whose weights "
            "`vaesearch prune` deleted."
        )
    if epoch is not None and epoch not in kept:
        raise NotFoundError(
            f"Trial {trial} keeps the weights of epochs {', '.join(map(str, kept))}, the ones no "
            "other of its epochs beats and the last, or what `vaesearch prune` left. Not of epoch "
            f"{epoch}."
        )
    return kept[-1] if epoch is None else epoch


def check_folder(out: Path) -> None:
    """Checks that a folder is new or empty.

    Raises:
        SearchError: If it is not.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SearchError(f"{out} is there already and not empty. Name a new folder with --out.")
