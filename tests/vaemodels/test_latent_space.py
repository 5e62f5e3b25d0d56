import numpy as np
import pytest

from vaemodels.metrics.latent_space import (
    active_units,
    knn_accuracy,
    silhouette,
    silhouette_by_sample,
)

LABELS = np.repeat(np.arange(3), 40)


def clusters(distance, seed=0):
    """Three normal clouds on a line, `distance` apart."""
    noise = np.random.default_rng(seed).normal(size=(120, 2))
    return noise + distance * LABELS[:, None]


def test_counts_the_latents_that_vary():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(5000, 4)) * np.array([1.0, 0.11, 0.09, 0.0])
    assert active_units(means) == 2
    assert active_units(means, threshold=0.001) == 3
    assert active_units(100.0 + means) == 2


def test_a_latent_must_exceed_the_threshold():
    means = np.array([[0.0, 0.0], [2.0, 3.0]])  # variances 1 and 2.25
    assert active_units(means, threshold=1) == 1


@pytest.mark.parametrize(
    ("means", "message"),
    [
        (np.zeros((1, 3)), r"Invalid shape for `means`.*num_images >= 2"),
        (np.full((5, 3), np.nan), "`means` has NaN"),
    ],
)
def test_refuses_means_of_one_image_or_nan(means, message):
    with pytest.raises(ValueError, match=message):
        active_units(means)


def test_refuses_a_negative_threshold():
    with pytest.raises(ValueError, match="Invalid value for `threshold`"):
        active_units(np.zeros((5, 3)), threshold=-0.1)


def test_silhouettes_of_four_points_by_hand():
    codes, labels = np.array([[0.0], [1.0], [10.0], [12.0]]), np.array([0, 0, 1, 1])
    expected = [1 - 1 / 11, 1 - 1 / 10, 1 - 2 / 9.5, 1 - 2 / 11.5]
    assert silhouette_by_sample(codes, labels) == pytest.approx(expected)
    estimate = silhouette(codes, labels)
    assert estimate.value == pytest.approx(np.mean(expected))
    assert estimate.standard_error == pytest.approx(np.std(expected, ddof=1) / 2)


def test_classes_further_apart_have_a_larger_silhouette():
    values = [silhouette(clusters(distance), LABELS).value for distance in (0.0, 2.0, 20.0)]
    assert values == sorted(values)
    assert values[0] < 0.05
    assert values[-1] > 0.9


def test_a_subset_agrees_with_all_images_and_repeats():
    codes = clusters(3.0)
    whole = silhouette(codes, LABELS)
    part, again = (silhouette(codes, LABELS, max_samples=60, seed=1) for _ in range(2))
    assert part == again
    assert (whole.num_samples, part.num_samples) == (120, 60)
    assert part.value == pytest.approx(whole.value, abs=4 * part.standard_error)


@pytest.mark.parametrize("measure", [silhouette, silhouette_by_sample])
@pytest.mark.parametrize(
    ("codes", "labels", "message"),
    [
        (clusters(1.0), np.zeros(120, int), r"`labels`.*at least 2 classes\. Received: 1"),
        (clusters(1.0), np.arange(120), "a class with 2 images at least.*120 classes of 1"),
        (clusters(1.0), LABELS[:-1], r"`labels`.*shape \(120,\).*shape=\(119,\)"),
        (clusters(1.0), LABELS / 2, r"`labels`.*one integer per image.*dtype=float64"),
        (clusters(1.0) * np.nan, LABELS, "`codes` has NaN"),
        (np.zeros((0, 2)), LABELS[:0], r"Invalid shape for `codes`"),
    ],
)
def test_refuses_silhouettes_that_do_not_exist(measure, codes, labels, message):
    with pytest.raises(ValueError, match=message):
        measure(codes, labels)


def test_refuses_a_subset_too_small():
    with pytest.raises(ValueError, match="Invalid value for `max_samples`"):
        silhouette(clusters(1.0), LABELS, max_samples=2)


def test_separate_classes_are_recognised_and_mixed_ones_guessed():
    apart = knn_accuracy(clusters(50.0), LABELS, clusters(50.0, seed=1), LABELS)
    mixed = knn_accuracy(clusters(0.0), LABELS, clusters(0.0, seed=1), LABELS)
    assert apart.value == 1.0
    assert mixed.value == pytest.approx(1 / 3, abs=4 * mixed.standard_error)
    assert mixed.standard_error == pytest.approx(
        np.sqrt(mixed.value * (1 - mixed.value) / 119), rel=1e-12
    )


def test_one_neighbour_finds_the_training_images_themselves():
    codes = clusters(0.0)
    assert knn_accuracy(codes, LABELS, codes, LABELS, num_neighbours=1).value == 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_labels": np.ones(120, int)}, r"`train_labels`.*at least 2 classes"),
        ({"test_labels": LABELS[:5]}, r"`test_labels`.*\(120,\).*shape=\(5,\)"),
        ({"test_codes": np.zeros((0, 2))}, "Invalid shape for `test_codes`"),
        ({"test_codes": np.zeros((120, 3))}, r"`train_codes` and `test_codes`.*\[2, 3\]"),
        ({"train_codes": np.full((120, 2), np.inf)}, "`train_codes` has NaN or infinite"),
        ({"num_neighbours": 0}, "Invalid value for `num_neighbours`"),
        ({"num_neighbours": 121}, r"at most the number of training codes, 120.*=121"),
    ],
)
def test_refuses_codes_and_labels_that_do_not_fit(changes, message):
    arguments = {
        "train_codes": clusters(1.0),
        "train_labels": LABELS,
        "test_codes": clusters(1.0),
        "test_labels": LABELS,
    }
    with pytest.raises(ValueError, match=message):
        knn_accuracy(**(arguments | changes))
