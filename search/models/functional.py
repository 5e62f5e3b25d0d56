"""A stored candidate as functional Keras models, for processes that have no `vaemodels`."""

from typing import Any

from search.models.stored import chosen_epoch, load_candidate
from search.store import TrialStore
from vaemodels.data import Dataset
from vaemodels.functional import functional_decoder, functional_encoder


def functional_models(
    store: TrialStore, dataset: Dataset, name: str, trial: int, epoch: int | None
) -> tuple[int, dict[str, Any]]:
    """Returns an epoch whose weights are kept, and the `encoder` and `decoder` as of then.

    Args:
        store: Of the search.
        dataset: Its images.
        name: Of the search.
        trial: The trial's number.
        epoch: None for the last one that is kept.

    Raises:
        NotFoundError: If the trial's or the epoch's weights are not kept.
        StoreError: If what is stored is damaged.
    """
    epoch = chosen_epoch(store, name, trial, epoch)
    trainer = load_candidate(store, dataset, trial, epoch)
    assert trainer is not None  # it was just found there
    vae = trainer.vae
    return epoch, {"encoder": functional_encoder(vae), "decoder": functional_decoder(vae)}
