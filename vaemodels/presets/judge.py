"""The feature extractor of presets, and the figures of generated images."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.data import Dataset, Split
from vaemodels.data.source import Source
from vaemodels.metrics.extractor import Extractor, train_extractor
from vaemodels.metrics.fid import FeatureStatistics, frechet_distance
from vaemodels.metrics.recipes import RECIPE_VERSION
from vaemodels.metrics.tvd import class_frequencies
from vaemodels.presets.images import PresetImages, split

_FAST_IMAGES: Final = 3_000  # that the extractor of a fast run is trained on


def legacy_tvd(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Returns the 2023 thesis' TVD: the largest gap of a single class, class 0 left out.

    It counted a class as `count_nonzero(labels[labels == c])`, which is 0 for class 0 whatever the
    labels. For reproduction only; see `vaemodels.metrics.tvd`.

    Args:
        p: `(num_classes >= 2,)`, sums to 1.
        q: Of the same length.
    """
    return float(np.abs(p - q)[1:].max())


@final
class Judge:
    """Compares generated images with test images, by an extractor trained on training images.

    Attributes:
        extractor: Gives features and classes.
    """

    def __init__(self, extractor: Extractor, images: PresetImages):
        self.extractor = extractor
        test = images.test.astype(np.float32) / np.float32(images.scale)
        self._statistics = FeatureStatistics.from_features(extractor.features(test)[0])
        # Of the labels, not of predicted classes: as the thesis did.
        self._frequencies = class_frequencies(images.test_labels, extractor.num_classes)

    def measure(self, generated: NDArray[np.float32]) -> dict[str, float]:
        """Returns "fid" and "legacy_tvd" of images in [0, 1]."""
        features, classes = self.extractor.features(generated)
        frequencies = class_frequencies(classes, self.extractor.num_classes)
        return {
            "fid": frechet_distance(self._statistics, FeatureStatistics.from_features(features)),
            "legacy_tvd": legacy_tvd(self._frequencies, frequencies),
        }


def open_judge(
    source: Source,
    images: PresetImages,
    *,
    fast: bool,
    cache: Path,
    progress: Callable[[int, int], None],
) -> Judge:
    """Returns the judge of a data set, its extractor from `cache` or trained and put there.

    All training images at hand train it, as published, or 3,000 for a fast run.
    """
    dataset = _dataset(source, fast)
    folder = cache / "extractors" / f"preset-{dataset.hash[:32]}-v{RECIPE_VERSION}"
    if not folder.is_dir():
        train_extractor(dataset, progress=progress).save(folder)
    return Judge(Extractor.load(folder), images)


def _dataset(source: Source, fast: bool) -> Dataset:
    """Returns what trains an extractor: no validation split, as published."""
    train, test, test_labels = split(source)
    labels: Any = source.labels
    chosen = slice(0, _FAST_IMAGES if fast else len(train))
    digest = hashlib.sha256(np.ascontiguousarray(train[chosen]).data.cast("B"))
    digest.update(labels[: len(train)][chosen].astype("<i8").tobytes())
    nothing = Split(train[:0], labels[:0])
    height, width, channels = source.images.shape[1:]
    return Dataset(
        name=source.name,
        hash=digest.hexdigest(),
        folder=Path(),
        image_shape=(height, width, channels),
        scale=source.scale,
        num_classes=len(source.class_names),
        class_names=source.class_names,
        train=Split(train[chosen], labels[: len(train)][chosen]),
        validation=nothing,
        test=Split(test, test_labels),
    )
