"""What a search's workers do: train autoencoders and judge them. Keras is imported when they do."""

import gc
from pathlib import Path
from typing import Any, Final

from search.config import StudyConfig
from search.models.images import ImageFolders
from search.models.judged import keep, kept
from search.models.quiet import load_keras
from search.work import Shared, Work


def _prepare(config: StudyConfig, dataset_folder: str, cache: Path) -> Any:
    load_keras()
    from search.models.judge import prepare_judge

    found = prepare_judge(config, dataset_folder, cache)
    keep(config, dataset_folder, cache, found)
    return found


def _open_bench(shared: Shared) -> Any:
    load_keras()
    from search.models.bench import Bench

    return Bench(shared.config, shared.search_id, shared.store, shared.folders.here())


def _remeasure(
    config: StudyConfig, search_id: str, store: str, folders: ImageFolders, *arguments: Any
) -> Any:
    load_keras()
    from search.models.remeasure import remeasure

    return remeasure(config, search_id, store, folders.here(), *arguments)


def _show(
    config: StudyConfig, search_id: str, store: str, folders: ImageFolders, *arguments: Any
) -> Any:
    load_keras()
    from search.models.showing import show

    gc.freeze()  # else the libraries' million objects are looked through after each model
    return show(config, search_id, store, folders.here(), *arguments)


def _publish(*arguments: Any) -> Any:
    from search.models.sharing import publish_sources

    return publish_sources(*arguments)


def _prepare_shared(*arguments: Any) -> Any:
    from search.models.sharing import prepare_shared

    return prepare_shared(*arguments)


TRAINING: Final = Work(_prepare, _open_bench, _remeasure, _show, kept, _publish, _prepare_shared)
