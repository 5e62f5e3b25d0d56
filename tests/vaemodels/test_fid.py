import numpy as np
import pytest
from scipy.linalg import sqrtm

from vaemodels.metrics.fid import FeatureStatistics, expected_bias, frechet_distance


def statistics_of(features):
    return FeatureStatistics.from_features(features)


def gaussian(mean, covariance, count=1000):
    return FeatureStatistics(np.asarray(mean, float), covariance, count)


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(size=(200, 6))


@pytest.fixture
def others():
    return np.random.default_rng(1).normal(size=(150, 6)) @ np.diag(np.arange(1.0, 7.0)) + 0.5


def test_zero_for_the_same_set_in_any_order(features):
    distance = frechet_distance(statistics_of(features), statistics_of(features[::-1]))
    assert distance == pytest.approx(0.0, abs=1e-9)


def test_equal_covariances_cost_the_squared_gap_of_the_means():
    # The published unit test of pytorch-fid: means 0 and 1 cost 1 per feature.
    identity = np.eye(512)
    distance = frechet_distance(gaussian(np.zeros(512), identity), gaussian(np.ones(512), identity))
    assert distance == pytest.approx(512.0, rel=1e-12)


def test_commuting_diagonal_covariances_have_a_closed_form():
    a, b = np.array([4.0, 1.0, 0.0, 9.0]), np.array([1.0, 0.0, 0.0, 16.0])
    distance = frechet_distance(
        gaussian(np.zeros(4), np.diag(a)), gaussian(np.zeros(4), np.diag(b))
    )
    assert distance == pytest.approx(((np.sqrt(a) - np.sqrt(b)) ** 2).sum())


@pytest.mark.parametrize("swap", [False, True])
def test_agrees_with_the_matrix_root_and_with_general_eigenvalues(features, others, swap):
    real, generated = statistics_of(features), statistics_of(others)
    product = real.covariance @ generated.covariance
    gap = ((real.mean - generated.mean) ** 2).sum()
    rest = gap + np.trace(real.covariance) + np.trace(generated.covariance)
    by_root = rest - 2 * np.trace(sqrtm(product).real)
    by_eigenvalues = rest - 2 * np.sqrt(np.linalg.eigvals(product).astype(complex)).real.sum()
    distance = frechet_distance(*((generated, real) if swap else (real, generated)))
    assert distance == pytest.approx(by_root, rel=1e-6)
    assert distance == pytest.approx(by_eigenvalues, rel=1e-6)


@pytest.mark.parametrize("num_dead", [1, 16])
def test_dead_features_change_nothing(features, others, num_dead):
    dead = [np.pad(part, ((0, 0), (0, num_dead))) for part in (features, others)]
    expected = frechet_distance(statistics_of(features), statistics_of(others))
    distance = frechet_distance(*map(statistics_of, dead))
    assert distance == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("num_samples", [2, 10, 39])
def test_fewer_samples_than_features_still_give_a_finite_distance(num_samples):
    wide = np.random.default_rng(2).normal(size=(num_samples, 40))
    distance = frechet_distance(statistics_of(wide), statistics_of(wide + 1.0))
    assert distance == pytest.approx(40.0, rel=1e-6)


def test_a_rotation_of_the_feature_space_changes_nothing(features, others):
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]
    expected = frechet_distance(statistics_of(features), statistics_of(others))
    rotated = frechet_distance(statistics_of(features @ rotation), statistics_of(others @ rotation))
    assert rotated == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("num_generated", [1000, 5000])
def test_the_bias_formula_agrees_with_simulation(num_generated):
    # Simulated for 64 isotropic features and as large a reference: 1.1195 and .2223 were measured
    # with 1,000 and 5,000 images.
    reference = gaussian(np.zeros(64), np.eye(64), num_generated)
    rng = np.random.default_rng(4)
    draws = [rng.normal(size=(2, num_generated, 64)) for _ in range(4)]
    measured = np.mean([frechet_distance(*map(statistics_of, pair)) for pair in draws])
    assert measured == pytest.approx(expected_bias(reference, num_generated), rel=0.04)


def test_the_bias_of_isotropic_features_has_a_short_form():
    reference = gaussian(np.zeros(10), np.eye(10), count=500)
    expected = (10 * 11 / 4 + 10) * (1 / 2000 + 1 / 500)
    assert expected_bias(reference, 2000) == pytest.approx(expected)


def test_float32_features_are_summed_in_float64():
    features = 1000.0 + np.random.default_rng(5).normal(size=(5000, 3)).astype(np.float32)
    expected = np.cov(features.astype(np.float64), rowvar=False)
    np.testing.assert_allclose(statistics_of(features).covariance, expected, rtol=1e-12)


def test_statistics_survive_a_file(features, tmp_path):
    statistics_of(features).save(tmp_path / "statistics.npz")
    loaded = FeatureStatistics.load(tmp_path / "statistics.npz")
    assert loaded.count == 200
    for name in ("mean", "covariance", "root"):
        assert np.array_equal(getattr(loaded, name), getattr(statistics_of(features), name))


def test_the_root_is_computed_when_asked_for_and_only_of_the_reference(features, others):
    reference, generated = statistics_of(features), statistics_of(others)
    frechet_distance(reference, generated)
    assert "root" in vars(reference)
    assert "root" not in vars(generated)
    np.testing.assert_allclose(reference.root @ reference.root, reference.covariance, atol=1e-12)


def test_the_root_of_a_file_is_not_computed_again(features, monkeypatch):
    arrays = statistics_of(features).to_arrays()
    monkeypatch.setattr("vaemodels.metrics.fid._symmetric_root", None)
    loaded = FeatureStatistics.from_arrays(arrays)
    assert frechet_distance(loaded, loaded) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("offset", [0.0, 1.0, 30.0, 1e7])
def test_the_covariance_keeps_its_digits_far_from_the_origin(features, offset):
    shifted = features + offset
    expected = np.cov(shifted, rowvar=False)
    np.testing.assert_allclose(statistics_of(shifted).covariance, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(statistics_of(shifted).mean, shifted.mean(axis=0), atol=1e-7)


def test_statistics_leave_the_features_alone(features):
    features += 1e7  # far enough to be centred
    before = features.copy()
    statistics_of(features)
    np.testing.assert_array_equal(features, before)


@pytest.mark.parametrize("bad", [np.zeros(6), np.zeros((1, 6)), np.zeros((9, 0))])
def test_refuses_what_is_not_a_table_of_features(bad):
    with pytest.raises(ValueError, match=r"Invalid shape for `features`.*num_images >= 2"):
        statistics_of(bad)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_features_that_are_not_finite(features, value):
    features[3, 2] = value
    with pytest.raises(ValueError, match="`features` has NaN or infinite"):
        statistics_of(features)


def test_refuses_different_numbers_of_features(features):
    with pytest.raises(ValueError, match=r"`other`.*has, 6\. Received: 5\."):
        frechet_distance(statistics_of(features), statistics_of(features[:, :5]))


def test_refuses_the_bias_of_one_image(features):
    with pytest.raises(ValueError, match=r"`num_generated`.*>= 2.*num_generated=1"):
        expected_bias(statistics_of(features), 1)
