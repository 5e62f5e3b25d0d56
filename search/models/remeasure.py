"""Test figures of stored weights: fresh draws, the test split, nothing chosen by them."""

from collections.abc import Mapping

from search.config import StudyConfig
from search.errors import StoreError
from search.models.images import ImageFolders
from search.models.judge import open_judge
from search.models.measuring import Measurer
from search.models.params import own_sampler
from search.models.stored import load_candidate
from search.seeds import Purpose, derive_seed
from search.store import TrialStore
from search.trial import Params


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
