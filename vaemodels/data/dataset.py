"""A data set on disk: one file of images, one of labels, and a description.

    <folder>/images.npy     training, validation and test images, one after another
    <folder>/labels.npy     their labels, absent without labels
    <folder>/dataset.json   everything else

The folder's name is the hash, so a folder never changes once it is there.
"""

import hashlib
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.data.publish import published_folder
from vaemodels.data.source import Source
from vaemodels.data.splits import split_indices

_FORMAT = 1


@final
@dataclass(frozen=True, eq=False)
class Split:
    """Part of a data set.

    Attributes:
        images: `(num_images, height, width, channels)`, uint8 or float32, a view of the mapped
            file; divide by `Dataset.scale` to get [0, 1].
        labels: `(num_images,)` int64 in 0 .. num_classes - 1, or None.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64] | None


@final
@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with a fixed split. Search on `validation`, report on `test`.

    Attributes:
        name: Short name; not part of what the data set is.
        hash: SHA-256 (hex) over images, labels, class names, split sizes and scale.
        folder: Absolute path of its files; `open_dataset(folder)` gives the same data set.
        image_shape: `(height, width, channels)`.
        scale: Divide images by it to get [0, 1].
        num_classes: None without labels.
        class_names: In the order of the labels; empty without labels.
    """

    name: str
    hash: str
    folder: Path
    image_shape: tuple[int, int, int]
    scale: float
    num_classes: int | None
    class_names: tuple[str, ...]
    train: Split
    validation: Split
    test: Split


def write_dataset(source: Source, cache_dir: Path) -> Path:
    """Splits and hashes a source, writes `<cache_dir>/<hash>` if it is missing and returns it."""
    parts = split_indices(len(source.images), source.labels, source.num_test)
    order = np.concatenate(parts)
    images = np.ascontiguousarray(source.images[order])
    labels = None if source.labels is None else source.labels[order]
    description = {
        "format": _FORMAT,
        "shape": list(images.shape),
        "dtype": str(images.dtype),
        "scale": source.scale,
        "class_names": list(source.class_names),
        "split_sizes": [len(part) for part in parts],
    }
    digest = _hash(description, images, labels)
    folder = cache_dir / digest
    if folder.is_dir():
        return folder
    with published_folder(folder) as temporary:
        np.save(temporary / "images.npy", images)
        if labels is not None:
            np.save(temporary / "labels.npy", labels)
        text = json.dumps({"name": source.name, "hash": digest, **description}, indent=1)
        (temporary / "dataset.json").write_text(text + "\n", encoding="utf-8")
    return folder


def _hash(description: dict[str, Any], images: NDArray[Any], labels: NDArray[Any] | None) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    digest.update(images.data.cast("B"))
    if labels is not None:
        digest.update(labels.astype("<i8").tobytes())
    return digest.hexdigest()


def open_dataset(folder: Path) -> Dataset:
    """Returns the data set in a folder that `load_dataset` wrote; its images stay on disk.

    Raises:
        FileNotFoundError: If the folder is not there.
        ValueError: If a file in it is missing or damaged.
    """
    folder = Path(folder).resolve()  # workers run in other working directories
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no data set in {folder}. Load it again.")
    try:
        description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        has_labels = bool(description["class_names"])
        labels = np.load(folder / "labels.npy", allow_pickle=False) if has_labels else None
        if [list(images.shape), str(images.dtype)] != [description["shape"], description["dtype"]]:
            raise ValueError(f"images of shape {images.shape} {images.dtype}")
        if labels is not None and len(labels) != len(images):
            raise ValueError(f"{len(labels)} labels of {len(images)} images")
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise ValueError(
            f"Invalid data set in {folder}. Expected whole dataset.json, images.npy and labels.npy."
            f" Received: {error}. Delete the folder and load the data set again."
        ) from error
    return _assemble(folder, description, images, labels)


def _assemble(
    folder: Path, description: dict[str, Any], images: NDArray[Any], labels: NDArray[Any] | None
) -> Dataset:
    ends = np.cumsum([0, *description["split_sizes"]])
    train, validation, test = (
        Split(images[start:end], None if labels is None else labels[start:end])
        for start, end in itertools.pairwise(ends)
    )
    class_names = tuple(description["class_names"])
    height, width, channels = images.shape[1:]
    return Dataset(
        name=description["name"],
        hash=description["hash"],
        folder=folder,
        image_shape=(height, width, channels),
        scale=float(description["scale"]),
        num_classes=len(class_names) or None,
        class_names=class_names,
        train=train,
        validation=validation,
        test=test,
    )
