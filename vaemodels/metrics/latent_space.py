"""What the codes of images look like: which latents are used and whether classes lie apart."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least, check_number_at_least, refuse
from vaemodels.metrics.arrays import (
    check_labels,
    check_same_width,
    check_several_classes,
    check_table,
)
from vaemodels.metrics.estimate import Estimate
from vaemodels.noise import generator


def active_units(means: NDArray[Any], threshold: float = 0.01) -> int:
    """Returns how many latents vary with the image: 0 of them is a collapsed posterior.

    Args:
        means: Posterior means, `(num_images >= 2, num_latents)`.
        threshold: A latent is active if the variance of its mean over images exceeds this number
            >= 0. 0.01 is meant for priors of variance 1: for others, scale it.

    Raises:
        ValueError: If the shape is another, a mean is not finite or the threshold is negative.

    References:
        Burda et al., 2016, section 5.2, https://arxiv.org/abs/1509.00519
    """
    check_table(2, means=means)
    check_number_at_least(0, threshold=threshold)
    return int((means.astype(np.float64).var(axis=0) > threshold).sum())


def silhouette(
    codes: NDArray[Any], labels: NDArray[Any], *, max_samples: int = 5000, seed: int = 0
) -> Estimate:
    """Returns the mean silhouette of the classes, in [-1, 1]; higher is further apart.

    Args:
        codes: `(num_images, num_latents)`.
        labels: `(num_images,)` integers of at least 2 classes.
        max_samples: Integer >= 3. Of more images as many are drawn without replacement; time grows
            with its square, 5,000 take a second.
        seed: Integer >= 0 that picks them.

    Returns:
        With the standard error of the mean of per-image silhouettes, as if they were independent.

    Raises:
        ValueError: If a shape is wrong, a code is not finite, there is 1 class among the images,
            or every image has a class of its own.

    References:
        Rousseeuw, 1987, https://doi.org/10.1016/0377-0427(87)90125-7
    """
    check_at_least(3, max_samples=max_samples)
    check_table(3, codes=codes)
    check_labels(len(codes), labels=labels)
    if len(codes) > max_samples:
        rng = generator(seed, "silhouette", 0)
        rows = rng.choice(len(codes), max_samples, replace=False)
        codes, labels = codes[rows], labels[rows]
    return Estimate.of_mean(silhouette_by_sample(codes, labels))


def silhouette_by_sample(codes: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the silhouette of every image, `(num_images,)` in [-1, 1], e.g. for a plot.

    It is `(b - a) / max(a, b)` with the mean distance `a` to images of the same class and `b` to
    those of the nearest other one; 0 for the only image of a class. No sampling: time and memory
    grow with the square of the number of images, 0.8 GB for 10,000.

    Args:
        codes: `(num_images >= 3, num_latents)`.
        labels: `(num_images,)` integers of at least 2 classes.

    Raises:
        ValueError: As `silhouette`.
    """
    from sklearn.metrics import silhouette_samples  # a second to import: only who asks pays

    check_table(3, codes=codes)
    check_labels(len(codes), labels=labels)
    check_several_classes(labels=labels)
    if (num_classes := len(np.unique(labels))) == len(labels):
        raise refuse("labels", "a class with 2 images at least", f"{num_classes} classes of 1")
    values: NDArray[np.float64] = silhouette_samples(codes.astype(np.float64), labels)
    return values


def knn_accuracy(
    train_codes: NDArray[Any],
    train_labels: NDArray[Any],
    test_codes: NDArray[Any],
    test_labels: NDArray[Any],
    num_neighbours: int = 5,
) -> Estimate:
    """Returns how often the nearest training codes vote for the class of a test image, in [0, 1].

    Args:
        train_codes: `(num_images >= num_neighbours, num_latents)`.
        train_labels: `(num_images,)` integers of at least 2 classes.
        test_codes: `(num_test_images >= 1, num_latents)`.
        test_labels: `(num_test_images,)` integers.
        num_neighbours: Integer >= 1 of votes per image; ties go to the smallest label.

    Returns:
        With the binomial standard error over test images.

    Raises:
        ValueError: If a shape is wrong, a code is not finite, training has one class or too few
            images.
    """
    from sklearn.neighbors import KNeighborsClassifier

    check_table(1, train_codes=train_codes, test_codes=test_codes)
    check_same_width(train_codes=train_codes, test_codes=test_codes)
    check_labels(len(train_codes), train_labels=train_labels)
    check_labels(len(test_codes), test_labels=test_labels)
    check_several_classes(train_labels=train_labels)
    check_at_least(1, num_neighbours=num_neighbours)
    if num_neighbours > len(train_codes):
        expected = f"at most the number of training codes, {len(train_codes)}"
        raise refuse("num_neighbours", expected, num_neighbours)
    classifier = KNeighborsClassifier(num_neighbours).fit(train_codes, train_labels)
    return Estimate.of_mean(classifier.predict(test_codes) == test_labels)
