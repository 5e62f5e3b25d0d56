import numpy as np
import pytest

from vaemodels.metrics.kid import kernel_inception_distance


def normal(seed, num_images=200, num_features=6, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(num_images, num_features)) + shift


def by_hand(x, y):
    """The unbiased estimate, one pair of images after the other."""

    def kernel(a, b):
        return (a @ b / len(a) + 1.0) ** 3

    def within(part):
        size = len(part)
        pairs = [kernel(part[i], part[j]) for i in range(size) for j in range(size) if i != j]
        return np.mean(pairs)

    return within(x) + within(y) - 2.0 * np.mean([kernel(a, b) for a in x for b in y])


def test_equals_a_loop_over_all_pairs():
    x, y = normal(0, 7), normal(1, 7, shift=0.3)
    assert kernel_inception_distance(x, y).value == pytest.approx(by_hand(x, y), rel=1e-12)


def test_the_standard_error_is_the_jackknife_of_the_images():
    x, y = normal(0, 8), normal(1, 8, shift=0.3)
    left_out = [by_hand(np.delete(x, i, axis=0), np.delete(y, i, axis=0)) for i in range(8)]
    expected = np.sqrt(7 * np.var(left_out))
    assert kernel_inception_distance(x, y).standard_error == pytest.approx(expected)


def test_sets_of_one_distribution_score_zero_on_average():
    estimates = [kernel_inception_distance(normal(2 * i), normal(2 * i + 1)) for i in range(40)]
    values = np.array([estimate.value for estimate in estimates])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(40)
    assert (values < 0).sum() > 5  # a biased estimate could not be negative
    assert all(abs(estimate.value) < 5 * estimate.standard_error for estimate in estimates)


def test_the_standard_error_is_the_scatter_of_repeated_samples():
    estimates = [
        kernel_inception_distance(normal(2 * i), normal(2 * i + 1, shift=0.5)) for i in range(40)
    ]
    scatter = np.std([estimate.value for estimate in estimates])
    errors = np.mean([estimate.standard_error for estimate in estimates])
    assert errors == pytest.approx(scatter, rel=0.35)


def test_a_shift_is_found_and_grows():
    small, large = (kernel_inception_distance(normal(0), normal(1, shift=s)) for s in (0.3, 1.0))
    assert small.value > 3 * small.standard_error
    assert large.value > 3 * small.value


def test_subsets_agree_with_all_images():
    x, y = normal(0, 400), normal(1, 300, shift=0.5)
    whole = kernel_inception_distance(x, y)
    parts = kernel_inception_distance(x, y, subset_size=50, num_subsets=200)
    assert parts.value == pytest.approx(whole.value, abs=3 * whole.standard_error)
    assert parts.standard_error == pytest.approx(whole.standard_error, rel=0.3)
    assert (whole.num_samples, whole.bias) == (300, 0.0)


def test_the_seed_decides_the_subsets():
    x, y = normal(0), normal(1)
    first, again, other = (
        kernel_inception_distance(x, y, subset_size=20, num_subsets=3, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_float32_features_are_summed_in_float64():
    x, y = (normal(seed).astype(np.float32) for seed in (0, 1))
    exact = kernel_inception_distance(x.astype(np.float64), y.astype(np.float64))
    assert kernel_inception_distance(x, y) == exact


@pytest.mark.parametrize("bad", [np.zeros((2, 6)), np.zeros(6), np.zeros((5, 0))])
@pytest.mark.parametrize("swap", [False, True])
def test_refuses_what_is_not_a_table_of_features(bad, swap):
    pair = (bad, normal(0)) if swap else (normal(0), bad)
    with pytest.raises(ValueError, match=r"Invalid shape for `.*_features`.*num_images >= 3"):
        kernel_inception_distance(*pair)


def test_refuses_nan_and_unequal_numbers_of_features():
    with pytest.raises(ValueError, match="`generated_features` has NaN"):
        kernel_inception_distance(normal(0), np.full((5, 6), np.nan))
    with pytest.raises(ValueError, match=r"equal numbers of features\. Received: \[6, 5\]"):
        kernel_inception_distance(normal(0), normal(0, num_features=5))


@pytest.mark.parametrize("arguments", [{"subset_size": 2}, {"num_subsets": 0}, {"seed": -1}])
def test_refuses_numbers_out_of_range(arguments):
    name = next(iter(arguments))
    with pytest.raises(ValueError, match=f"Invalid value for `{name}`"):
        kernel_inception_distance(normal(0), normal(1), **arguments)
