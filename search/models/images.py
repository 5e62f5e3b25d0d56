"""The images of a study, and what a resume of a search on them must match. Needs no Keras."""

import dataclasses
import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, final

from search.config import StudyConfig, replaced
from search.data_store import Item, local_folder
from search.errors import DataError
from search.models.vocabulary import LABEL_METRICS
from vaemodels.data import Dataset, load_dataset, open_dataset
from vaemodels.data.load import BUILT_IN

# Python files whose change may change a measurement: (package, which of its files).
_RESULT_CODE: Final = (
    ("vaemodels", "**/*.py"),  # but for `_LOOKS_ONLY`
    ("search.models", "backbones.py"),
    ("search.models", "judge.py"),
    ("search.models", "measuring.py"),
    ("search.models", "params.py"),
    ("search.models", "bench.py"),
    ("search", "trial_run.py"),
)


_LOOKS_ONLY: Final = ("analysis", "presets")  # folders of vaemodels that no trial uses


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Published:
    """What a store holds of images and their judge, for nodes that lack them.

    Attributes:
        store: Its root.
        dataset: The data set's folder.
        extractor: The feature extractor's, if there is one.
        references: The statistics of real images, if there is an extractor.
    """

    store: str
    dataset: Item
    extractor: Item | None = None
    references: Item | None = None


@final
@dataclasses.dataclass(frozen=True, slots=True)
class ImageFolders:
    """Where a node keeps a study's images and their judge; plain paths that travel to workers.

    Attributes:
        dataset: A data set's folder.
        extractor: The feature extractor's folder; None for images without labels and without an
            extractor file, whose trials have no FID and no TVD.
        references: Folder of cached statistics of real images.
        published: Where a node that lacks them finds them; None if all nodes are one machine.
    """

    dataset: str
    extractor: str | None
    references: str
    published: Published | None = None

    def here(self) -> "ImageFolders":
        """Returns the same as this node has it, fetched once per node where it is missing.

        Raises:
            StoreError: If it cannot be fetched.
        """
        if self.published is None:
            return self
        store = self.published.store

        def local(item: Item, folder: str) -> str:
            return str(local_folder(store, item, Path(folder)))

        items = self.published
        extractor = items.extractor and local(items.extractor, self.extractor or "")
        references = local(items.references, self.references) if items.references else None
        return ImageFolders(
            local(items.dataset, self.dataset), extractor, references or self.references
        )

    def images(self) -> Dataset:
        """Returns the images, memory-mapped."""
        return open_dataset(Path(self.dataset))


def load_images(config: StudyConfig, cache: Path) -> Dataset:
    """Returns the study's images, read and checked, memory-mapped from the cache.

    Raises:
        DataError: If they cannot be used; the message names the file.
    """
    section = config.dataset
    data_dir = Path(section.data_dir) if section.data_dir else None
    try:
        dataset = load_dataset(section.name, cache / "data", data_dir)
    except (ValueError, OSError) as error:
        raise DataError(str(error)) from error
    if has_classes(dataset):
        return dataset
    if wanted := sorted(LABEL_METRICS & set(config.objectives)):
        raise DataError(
            f"The images of {section.name} have no labels of at least 2 classes, which objective "
            f"`{wanted[0]}` needs. Choose another objective."
        )
    if config.needs_extractor and section.extractor is None:
        raise DataError(
            f"The images of {section.name} have no labels of at least 2 classes, so no feature "
            "extractor can be trained on them. Name one under `dataset: {name: ..., extractor: "
            "FOLDER}`, or choose objectives other than those that judge images."
        )
    return dataset


def has_classes(dataset: Dataset) -> bool:
    """Returns whether the images have labels that tell them apart."""
    return dataset.num_classes is not None and dataset.num_classes >= 2


def with_absolute_paths(config: StudyConfig) -> StudyConfig:
    """Returns the study with absolute paths of images and store, for a resume from elsewhere."""
    values = config.model_dump(mode="json")
    if config.store is not None and "://" not in config.store:
        values["store"] = str(Path(config.store).absolute())
    for key, path in values["dataset"].items():
        if path is not None and Path(path).exists() and (key != "name" or path not in BUILT_IN):
            values["dataset"][key] = str(Path(path).absolute())
    return replaced(values)


def identity(config: StudyConfig, dataset: Dataset) -> dict[str, Any]:
    """Returns what a resume must match: all that decides what a measurement means."""
    own = {} if config.code is None else {"own_code": config.code.hash}
    return {
        "data": dataset.hash,
        "objectives": dict(config.objectives),
        "space": space_identity(config),
        "fixed": dict(config.fixed),
        "epochs": config.budget.epochs,
        "measure": config.measure.model_dump(),
        "seed": config.seed,
        "code": code_hash(),
        **own,
    }


def space_identity(config: StudyConfig) -> dict[str, Any]:
    """Returns the part of an identity that changes when a space grows."""
    return {name: section.model_dump() for name, section in config.space.items()}


def code_hash() -> str:
    """Returns a hash of the code that decides results: the models, and how trials use them."""
    digest = hashlib.sha256()
    for package, pattern in _RESULT_CODE:
        spec = importlib.util.find_spec(package)
        root = Path(spec.origin).parent if spec and spec.origin else Path()
        for path in sorted(root.glob(pattern)):
            if path.relative_to(root).parts[0] in _LOOKS_ONLY:
                continue
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def differences(stored: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Returns one line for each part of two identities that differs."""
    return [
        f"{key}: {stored.get(key)!r} -> {current.get(key)!r}"
        for key in current
        if stored.get(key) != current.get(key)
    ]
