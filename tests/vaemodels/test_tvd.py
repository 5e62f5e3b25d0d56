import numpy as np
import pytest

from vaemodels.metrics.tvd import (
    class_frequencies,
    max_class_gap,
    total_variation,
    tvd_noise_floor,
)

# How often each digit occurs among the 10,000 MNIST test images.
MNIST_TEST = np.array([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]) / 10_000


def random_pairs(count):
    rng = np.random.default_rng(0)
    return [rng.dirichlet(np.full(10, 0.5), size=2) for _ in range(count)]


@pytest.mark.parametrize("distance", [total_variation, max_class_gap])
def test_distances_are_symmetric_zero_on_equals_and_at_most_one(distance):
    for p, q in random_pairs(50):
        assert distance(p, q) == distance(q, p)
        assert 0.0 < distance(p, q) <= 1.0
        assert distance(p, p) == 0.0


def test_total_variation_is_the_largest_gap_over_all_sets_of_classes():
    for p, q in random_pairs(20):
        best = np.clip(p - q, 0.0, None).sum()  # reached by the classes that p has more of
        assert total_variation(p, q) == pytest.approx(best)
        assert max_class_gap(p, q) <= total_variation(p, q) <= 5 * max_class_gap(p, q) + 1e-12


def test_a_generator_collapsed_on_class_0_is_far_away():
    # A count of class 0 that is always 0 (a published bug) makes this .1135 instead.
    collapsed = class_frequencies(np.zeros(10_000, np.int64), 10)
    assert total_variation(MNIST_TEST, collapsed) == pytest.approx(0.902, abs=1e-9)
    assert max_class_gap(MNIST_TEST, collapsed) == pytest.approx(0.902, abs=1e-9)


def test_class_frequencies_count_every_class_also_the_absent_ones():
    frequencies = class_frequencies(np.array([0, 0, 2, 1]), 4)
    np.testing.assert_array_equal(frequencies, [0.5, 0.25, 0.25, 0.0])


@pytest.mark.parametrize("num_samples", [1, 7, 100, 1000])
def test_the_noise_floor_agrees_with_simulation(num_samples):
    draws = np.random.default_rng(1).multinomial(num_samples, MNIST_TEST, size=20_000)
    measured = 0.5 * np.abs(draws / num_samples - MNIST_TEST).sum(axis=1).mean()
    assert tvd_noise_floor(MNIST_TEST, num_samples) == pytest.approx(measured, rel=0.01)


def test_the_noise_floor_of_a_certain_class_is_zero():
    assert tvd_noise_floor(np.array([0.0, 1.0, 0.0]), 10) == 0.0


@pytest.mark.parametrize(
    ("p", "message"),
    [
        (np.array([0.5, 0.6]), r"`p`.*sum to 1"),
        (np.array([1.5, -0.5]), r"`p`.*>= 0"),
        (np.array([np.nan, 1.0]), r"`p`.*>= 0"),
        (np.array([1.0]), r"`q`.*the same in both"),
    ],
)
def test_refuses_what_is_no_distribution(p, message):
    with pytest.raises(ValueError, match=message):
        total_variation(p, np.array([0.5, 0.5]))


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (np.array([], np.int64), r"num_images >= 1"),
        (np.array([0.0, 1.0]), r"Expected integers"),
        (np.array([0, 3]), r"0 \.\. 2.*from 0 to 3"),
        (np.array([-1, 2]), r"0 \.\. 2.*from -1 to 2"),
    ],
)
def test_refuses_classes_that_cannot_be_counted(classes, message):
    with pytest.raises(ValueError, match=message):
        class_frequencies(classes, 3)
