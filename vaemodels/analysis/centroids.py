"""The mean code of every class, decoded."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vaemodels.analysis.drawing import Panel, draw_panels
from vaemodels.analysis.findings import Finding, Result
from vaemodels.analysis.subject import Subject
from vaemodels.metrics.arrays import check_labels, check_several_classes, check_table
from vaemodels.metrics.estimate import Estimate

_COLUMNS: Final = 10
_FILE: Final = "centroids.png"


def class_centroids(
    codes: NDArray[Any], labels: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Returns the mean code of each class that occurs, and the classes, ascending.

    Args:
        codes: `(num_images >= 1, num_latents)`, finite.
        labels: `(num_images,)` integers.

    Returns:
        `(num_classes, num_latents)` and `(num_classes,)`. Means of points of a simplex are points
        of it.

    Raises:
        ValueError: If a shape is wrong or a code is not finite.
    """
    check_table(1, codes=codes)
    check_labels(len(codes), labels=labels)
    classes = np.unique(labels).astype(np.int64)
    means = [codes[labels == one].mean(axis=0, dtype=np.float64) for one in classes]
    return np.stack(means), classes


def nearest_centroid_accuracy(codes: NDArray[Any], labels: NDArray[Any]) -> Estimate:
    """Returns how often a code lies nearest to the centroid of its own class, in [0, 1].

    The centroids are those of the other images: an image does not pull its class towards itself.

    Args:
        codes: `(num_images >= 2, num_latents)`, finite.
        labels: `(num_images,)` integers of at least 2 classes.

    Returns:
        With the binomial standard error. The only image of a class counts as a miss.

    Raises:
        ValueError: If a shape is wrong, a code is not finite or there is one class.
    """
    from scipy.spatial.distance import cdist

    check_several_classes(labels=labels)
    centroids, classes = class_centroids(codes, labels)
    distances = cdist(codes.astype(np.float64), centroids)
    own = np.searchsorted(classes, labels)
    rows = np.arange(len(codes))
    counts = np.bincount(own)[own].astype(np.float64)
    # The distance to the mean of the others of n is n / (n - 1) times that to the mean of all.
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = np.where(counts > 1, distances[rows, own] * counts / (counts - 1), np.inf)
    distances[rows, own] = alone
    return Estimate.of_mean(distances.argmin(axis=1) == own)


def analyze_centroids(subject: Subject, folder: Path) -> Result:
    """Draws every class' mean code, decoded, below the class' mean image."""
    labels = subject.labels
    centroids, classes = class_centroids(subject.codes, labels)
    decoded = subject.inference.decode(centroids.astype(np.float32))
    means = np.stack([subject.images[labels == one].mean(axis=0) for one in classes])
    names = [subject.data.name(int(one)) for one in classes] if subject.data else []
    draw_panels(_panels(means, decoded, names), folder / _FILE)
    accuracy = nearest_centroid_accuracy(subject.codes, labels)
    label = "images whose code is nearest to their own class' centroid"
    caption = (
        "A mean code that decodes to a typical image of its class, sharper than the mean image, "
        "says that the class is one region of the latent space."
    )
    return Result(caption, [_FILE], [Finding("nearest_centroid_accuracy", label, accuracy)])


def _panels(
    means: NDArray[np.float32], decoded: NDArray[np.float32], names: list[str]
) -> list[Panel]:
    panels = []
    for start in range(0, len(names), _COLUMNS):
        rows = slice(start, start + _COLUMNS)
        images = np.concatenate([means[rows], decoded[rows]])
        title = "Classes: mean of the images above, decoded mean of the codes below"
        labels = [_short(name) for name in names[rows]]
        panels.append(
            Panel(
                title if start == 0 else "",
                images,
                columns=len(labels),
                x_labels=labels,
                y_labels=["mean\nimage", "decoded\ncentroid"],
            )
        )
    return panels


def _short(name: str) -> str:
    return name if len(name) <= 10 else name[:9] + "."
