"""What judges generated images: prepared once per data set, opened by every worker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from search.config import StudyConfig
from search.errors import DataError
from search.models.images import ImageFolders, has_classes
from vaemodels.data import Dataset, open_dataset
from vaemodels.metrics.extractor import Extractor, train_extractor
from vaemodels.metrics.image_quality import (
    ImageQuality,
    cached_image_quality,
    mean_image_ceiling,
    real_floor,
)
from vaemodels.metrics.recipes import RECIPE_VERSION
from vaemodels.metrics.tvd import tvd_noise_floor


def open_judge(folders: ImageFolders, dataset: Dataset, split: str) -> ImageQuality | None:
    """Returns what measures generated images against a split of the real ones, if anything does."""
    if folders.extractor is None:
        return None
    extractor = Extractor.load(Path(folders.extractor))
    return cached_image_quality(extractor, dataset, split, Path(folders.references))


def prepare_judge(
    config: StudyConfig,
    dataset_folder: str,
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ImageFolders, dict[str, Any]]:
    """Trains or finds the extractor, and measures the floor and the ceiling of the study.

    Args:
        config: The study file.
        dataset_folder: From `search.models.images.load_images`.
        cache: Folder of this workspace's derived files.
        progress: Called with (epochs done, epochs in all) while an extractor is trained.

    Returns:
        The folders for the workers, and what is stored with the search: counts of images, the
        extractor's hash and test accuracy, `floor` (real training images) and `ceiling` (the
        training-mean image), both against the validation images, and `tvd_noise`, the mean TVD of
        a perfect generator.

    Raises:
        DataError: If the named extractor cannot be used on the images.
    """
    dataset = open_dataset(Path(dataset_folder))
    counts = {
        "image_shape": list(dataset.image_shape),
        "num_train": len(dataset.train.images),
        "num_validation": len(dataset.validation.images),
        "num_test": len(dataset.test.images),
    }
    folder = _extractor_folder(config, dataset, cache, progress)
    folders = ImageFolders(dataset_folder, folder, str(cache / "references"))
    try:
        quality = open_judge(folders, dataset, "validation")
    except (ValueError, OSError) as error:
        raise DataError(str(error)) from error
    if quality is None:
        return folders, counts
    num_images = config.measure.num_images
    return folders, {
        **counts,
        "extractor_hash": quality.extractor.hash,
        "extractor_accuracy": quality.extractor.test_accuracy,
        "tvd_noise": tvd_noise_floor(quality.frequencies, num_images),
        "floor": real_floor(quality, dataset.train, dataset.scale, num_images),
        "ceiling": mean_image_ceiling(quality, dataset.train, dataset.scale),
    }


def _extractor_folder(
    config: StudyConfig,
    dataset: Dataset,
    cache: Path,
    progress: Callable[[int, int], None] | None,
) -> str | None:
    if config.dataset.extractor is not None:
        return config.dataset.extractor
    if not has_classes(dataset):
        return None
    folder = cache / "extractors" / f"{dataset.hash[:32]}-v{RECIPE_VERSION}"
    try:
        Extractor.load(folder)
    except FileNotFoundError:
        train_extractor(dataset, progress=progress).save(folder)
    except ValueError as error:  # not deleted: other searches may have been judged by it
        raise DataError(
            f"{error} Restore the folder, or move it away to have another extractor trained for "
            "new searches."
        ) from error
    return str(folder)
