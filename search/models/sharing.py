"""The images and their judge on a cluster: published by the driver's machine, prepared on any node.

Nothing here runs when all workers are on one machine.
"""

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from search.config import StudyConfig
from search.data_store import (
    Item,
    local_folder,
    publish,
    published_item,
    remember,
    remembered,
)
from search.errors import DataError
from search.models.images import ImageFolders, Published
from vaemodels.data import Dataset


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Sources:
    """What the driver's machine published.

    Attributes:
        store: Where.
        dataset: The images.
        extractor: The feature extractor that the study names, if it names one.
        cache: The driver's folder of derived files; a worker on its machine uses them as they are.
        dataset_folder: Where the images are there.
    """

    store: str
    dataset: Item
    extractor: Item | None
    cache: str
    dataset_folder: str


def publish_sources(config: StudyConfig, dataset_folder: str, cache: Path, store: str) -> Sources:
    """Publishes the images and every extractor that this machine has for them. Needs no Keras.

    Args:
        config: The study file.
        dataset_folder: From `search.models.images.load_images`.
        cache: Folder of the workspace's derived files.
        store: Root of the search's store.

    Raises:
        DataError: If the extractor that the study names is not there.
        StoreError: If the store refuses.
    """
    folder = Path(dataset_folder)
    data_hash = _described(folder / "dataset.json")["hash"]
    dataset = publish(store, data_hash, folder, _names(folder))
    for found in sorted((cache / "extractors").glob(f"{data_hash[:32]}-v*")):
        if (found / "extractor.json").is_file():
            remember(store, f"extractor-{found.name}", _publish_extractor(store, found).key)
    named = config.dataset.extractor
    extractor = _publish_extractor(store, Path(named)) if named is not None else None
    return Sources(store, dataset, extractor, str(cache), dataset_folder)


def prepare_shared(
    config: StudyConfig, sources: Sources, extractor_hash: str | None
) -> tuple[ImageFolders, dict[str, Any]]:
    """Does on any node what `search.models.judge.prepare_judge` does, and publishes what it made.

    The extractor is that of the study file, else the one this search began with, else the one that
    the store remembers for the images, else a new one, which the store remembers then.

    Args:
        config: The study file.
        sources: From `publish_sources`.
        extractor_hash: Of the extractor that the search began with, None if it has not.

    Returns:
        As `prepare_judge`. The folders are those of the driver's machine.

    Raises:
        DataError: If the extractor cannot be used on the images.
        StoreError: If the store refuses.
    """
    from search.models.judge import open_judge, prepare_judge

    store = sources.store
    dataset_folder = str(local_folder(store, sources.dataset, Path(sources.dataset_folder)))
    name = _extractor_name(sources.dataset.key)
    extractor = sources.extractor or _known_extractor(store, name, extractor_hash)
    with tempfile.TemporaryDirectory(prefix="vaesearch-") as scratch:
        cache = Path(scratch)
        if extractor is not None:
            own = _driver_folder(config, sources)
            config = _with_extractor(config, str(local_folder(store, extractor, Path(own))))
            _take_references(store, _references_key(extractor.key, sources.dataset.key), cache)
        folders, prepared = prepare_judge(config, dataset_folder, cache)
        if folders.extractor is None:
            return _as_published(config, sources, None, None), prepared
        if extractor is None:
            extractor = _publish_extractor(store, Path(folders.extractor))
            remember(store, name, extractor.key)
        dataset: Dataset = folders.images()
        open_judge(folders, dataset, "test")  # for the same figures on every node
        references = _publish_references(store, extractor.key, sources.dataset.key, cache)
    return _as_published(config, sources, extractor, references), prepared


def _extractor_name(data_hash: str) -> str:
    from vaemodels.metrics.recipes import RECIPE_VERSION

    return f"extractor-{data_hash[:32]}-v{RECIPE_VERSION}"


def _known_extractor(store: str, name: str, extractor_hash: str | None) -> Item | None:
    for key in (extractor_hash, remembered(store, name)):
        if key is not None and (item := published_item(store, key)) is not None:
            return item
    return None


def _publish_extractor(store: str, folder: Path) -> Item:
    key = _described(folder / "extractor.json")["hash"]
    return publish(store, key, folder, ["extractor.json", "extractor.npz"])


def _references_key(extractor_hash: str, data_hash: str) -> str:
    return f"reference-{extractor_hash[:16]}-{data_hash[:16]}"  # how their files' names begin


def _take_references(store: str, key: str, cache: Path) -> None:
    """Puts the published statistics where `prepare_judge` looks for them."""
    item = published_item(store, key)
    if item is not None:
        folder = local_folder(store, item, cache / "references")
        shutil.copytree(folder, cache / "references")


def _publish_references(store: str, extractor_hash: str, data_hash: str, cache: Path) -> Item:
    key = _references_key(extractor_hash, data_hash)
    folder = cache / "references"
    return publish(store, key, folder, [n for n in _names(folder) if n.startswith(key)])


def _as_published(
    config: StudyConfig, sources: Sources, extractor: Item | None, references: Item | None
) -> ImageFolders:
    cache = Path(sources.cache)
    return ImageFolders(
        sources.dataset_folder,
        None if extractor is None else _driver_folder(config, sources),
        str(cache / "references"),
        Published(sources.store, sources.dataset, extractor, references),
    )


def _driver_folder(config: StudyConfig, sources: Sources) -> str:
    """Returns where the driver's machine has the extractor, if it has it."""
    if sources.extractor is not None and config.dataset.extractor is not None:
        return config.dataset.extractor
    name = _extractor_name(sources.dataset.key).removeprefix("extractor-")
    return str(Path(sources.cache) / "extractors" / name)


def _with_extractor(config: StudyConfig, folder: str) -> StudyConfig:
    section = config.dataset.model_copy(update={"extractor": folder})
    return config.model_copy(update={"dataset": section})


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def _described(path: Path) -> Mapping[str, Any]:
    try:
        described: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot use {path.parent}: {error}.") from error
    return described
