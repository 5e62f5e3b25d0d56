"""FID and class balance of a set of images against one split of real images."""

import json
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least, check_one_of
from vaemodels.data import Dataset, Split
from vaemodels.data.publish import published_file
from vaemodels.metrics.extractor import Extractor
from vaemodels.metrics.fid import FeatureStatistics, frechet_distance
from vaemodels.metrics.tvd import class_frequencies, max_class_gap, total_variation

_CHUNK = 10_000  # images as float32 at once; a split may be larger than the memory


@final
class ImageQuality:
    """Measures images against a reference split, whose statistics are computed once.

    Attributes:
        extractor: Gives features and classes.
        statistics: Of the features of the reference images.
        frequencies: `(num_classes,)`, of the *predicted* classes of the reference images.
    """

    def __init__(self, extractor: Extractor, split: Split, scale: float):
        """Computes the reference statistics of a split whose pixels are divided by `scale`."""
        self.extractor = extractor
        self.statistics, self.frequencies = _summarize(extractor, split.images, scale)

    def measure(self, images: NDArray[Any]) -> dict[str, float]:
        """Returns `fid`, `tvd` and `max_class_gap`; lower is better for each.

        Args:
            images: `(num_images >= 2, height, width, channels)` float32 in [0, 1]. Compare only
                values of equal numbers of images.

        Raises:
            ValueError: If the shape is another or a pixel is NaN or outside [0, 1].
        """
        return self._compare(*_summarize(self.extractor, images, 1.0))

    def _compare(
        self, statistics: FeatureStatistics, frequencies: NDArray[np.float64]
    ) -> dict[str, float]:
        return {
            "fid": frechet_distance(self.statistics, statistics),
            "tvd": total_variation(self.frequencies, frequencies),
            "max_class_gap": max_class_gap(self.frequencies, frequencies),
        }

    def save(self, path: Path, data_hash: str, split_name: str) -> None:
        """Writes the reference statistics to an `.npz` file that appears whole.

        Args:
            path: File to write or replace.
            data_hash: Hash of the data set the split belongs to.
            split_name: `train`, `validation` or `test`.
        """
        key = _key(self.extractor, data_hash, split_name)
        arrays = self.statistics.to_arrays() | {
            "frequencies": self.frequencies,
            "key": np.array(key),
        }
        with published_file(Path(path)) as temporary, open(temporary, "wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(
        cls, path: Path, extractor: Extractor, data_hash: str, split_name: str
    ) -> "ImageQuality":
        """Returns what `save` wrote, without looking at the images again.

        Raises:
            FileNotFoundError: If the file is missing.
            ValueError: If the file is damaged or is of another extractor, data set or split.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            received = str(arrays["key"])
            statistics, frequencies = FeatureStatistics.from_arrays(arrays), arrays["frequencies"]
        except FileNotFoundError:
            raise
        except (OSError, EOFError, ValueError, KeyError) as error:
            raise ValueError(f"Invalid file {path}. Received: {error!r}. Delete it.") from error
        expected = _key(extractor, data_hash, split_name)
        if received != expected:
            raise ValueError(
                f"Invalid file {path}. Expected reference statistics of {expected}. "
                f"Received: {received}."
            )
        quality = cls.__new__(cls)  # `__init__` would compute what was just read
        quality.extractor, quality.statistics = extractor, statistics
        quality.frequencies = frequencies
        return quality


def cached_image_quality(
    extractor: Extractor, dataset: Dataset, split_name: str, folder: Path
) -> ImageQuality:
    """Returns the measure of a data set's split, from a file in `folder` if one is there.

    Args:
        extractor: Gives features and classes.
        dataset: Its split is the reference.
        split_name: `validation` to search, `test` to report.
        folder: Where workers share the statistics; file names hold the hashes.

    Raises:
        ValueError: If the split is unknown or the stored file is damaged.
    """
    check_one_of(("train", "validation", "test"), split_name=split_name)
    name = f"reference-{extractor.hash[:16]}-{dataset.hash[:16]}-{split_name}.npz"
    path = Path(folder) / name
    if path.is_file():
        return ImageQuality.load(path, extractor, dataset.hash, split_name)
    quality = ImageQuality(extractor, getattr(dataset, split_name), dataset.scale)
    quality.save(path, dataset.hash, split_name)
    return quality


def real_floor(
    quality: ImageQuality, split: Split, scale: float, num_images: int = 10_000
) -> dict[str, float]:
    """Returns what real images score, e.g. training images: what to hold generated ones against.

    Args:
        quality: The measure, of another split.
        split: Real images; `num_images` of them, evenly spaced, or all if there are fewer.
        scale: Divides the pixels.
        num_images: Integer >= 2; take the number of generated images.
    """
    check_at_least(2, num_images=num_images)
    rows = np.linspace(0, len(split.images) - 1, min(num_images, len(split.images))).astype(int)
    return quality._compare(*_summarize(quality.extractor, split.images[rows], scale))


def mean_image_ceiling(quality: ImageQuality, split: Split, scale: float) -> dict[str, float]:
    """Returns what the mean image of a split scores: the generator that has learnt nothing.

    Every generated image is the same, so their number does not matter. It is the reference point
    of the hypervolume.
    """
    mean = split.images.mean(axis=0, dtype=np.float64) / scale
    return quality.measure(np.stack([mean, mean]).astype(np.float32).clip(0.0, 1.0))


def _summarize(
    extractor: Extractor, images: NDArray[Any], scale: float
) -> tuple[FeatureStatistics, NDArray[np.float64]]:
    parts = []
    for start in range(0, max(len(images), 1), _CHUNK):
        chunk = images[start : start + _CHUNK].astype(np.float32, copy=False)
        parts.append(extractor.features(chunk if scale == 1.0 else chunk / np.float32(scale)))
    features, classes = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    frequencies = class_frequencies(classes, extractor.num_classes)
    return FeatureStatistics.from_features(features), frequencies


def _key(extractor: Extractor, data_hash: str, split_name: str) -> str:
    return json.dumps({"extractor": extractor.hash, "data": data_hash, "split": split_name})
