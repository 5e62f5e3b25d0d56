import numpy as np
import pytest

from vaemodels.metrics import pixel_fid
from vaemodels.metrics.fid import FeatureStatistics, expected_bias, frechet_distance
from vaemodels.metrics.pixel_fid import pixel_frechet_distance


def images(seed, num_images, shape=(6, 5, 2)):
    return np.random.default_rng(seed).random((num_images, *shape), dtype=np.float32)


def statistics_of(pictures):
    return FeatureStatistics.from_features(pictures.reshape(len(pictures), -1))


@pytest.mark.parametrize(("num_real", "num_generated"), [(100, 90), (40, 20), (80, 7), (7, 80)])
def test_is_the_frechet_distance_of_pixels_with_few_images_too(num_real, num_generated):
    real, generated = images(0, num_real), 0.5 * images(1, num_generated)
    expected = frechet_distance(statistics_of(real), statistics_of(generated))
    assert pixel_frechet_distance(real, generated).value == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("num_images", [20, 100])
def test_is_zero_for_the_same_images_in_any_order(num_images):
    real = images(0, num_images)
    assert pixel_frechet_distance(real, real[::-1]).value == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("num_images", [20, 100])
@pytest.mark.parametrize("amount", [0.01, 0.3])
def test_is_at_most_the_squared_error_of_reconstructions(num_images, amount):
    real = images(0, num_images)
    reconstructions = ((1 - amount) * real + amount * images(1, num_images)).clip(0, 1)
    errors = ((real - reconstructions) ** 2).sum(axis=(1, 2, 3))
    bound = errors.mean() * num_images / (num_images - 1)
    assert 0.0 < pixel_frechet_distance(real, reconstructions).value <= bound


def test_a_shift_of_all_pixels_costs_its_square():
    real = 0.5 * images(0, 30)
    assert pixel_frechet_distance(real, real + np.float32(0.25)).value == pytest.approx(
        60 * 0.25**2, rel=1e-5
    )


def test_says_the_bias_where_the_formula_holds():
    many = pixel_frechet_distance(images(0, 200), images(1, 100))
    assert many.bias == expected_bias(statistics_of(images(0, 200)), 100)
    assert (many.num_samples, many.standard_error) == (100, None)
    assert pixel_frechet_distance(images(0, 200), images(1, 50)).bias is None


def test_large_images_take_no_covariance_matrix():
    real, generated = images(0, 8, (64, 64, 3)), images(1, 5, (64, 64, 3))
    assert pixel_frechet_distance(real, generated).num_samples == 5


@pytest.mark.parametrize("num_images", [30, 100])
def test_refuses_more_than_can_be_decomposed(num_images, monkeypatch):
    monkeypatch.setattr(pixel_fid, "_MAX_SIDE", 20)
    with pytest.raises(ValueError, match=r"at most 20 pixels.*images of 60 pixels.*Pass 20"):
        pixel_frechet_distance(images(0, num_images), images(1, num_images))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (images(1, 1), r"Invalid shape for `generated_images`.*num_images >= 2"),
        (images(1, 9)[..., 0], r"height, width, channels\)\. Received: \(9, 6, 5\)"),
        (images(1, 9, (5, 6, 2)), r"`generated_images`.*\(6, 5, 2\)\. Received: \(5, 6, 2\)"),
        (np.full((9, 6, 5, 2), np.nan), "`generated_images` has NaN"),
        (2 * images(1, 9), r"floats in \[0, 1\]\. Received: values from"),
        (images(1, 9).astype(complex), r"real numbers\. Received: dtype=complex"),
    ],
)
def test_refuses_what_is_not_images_of_the_same_shape(bad, message):
    with pytest.raises(ValueError, match=message):
        pixel_frechet_distance(images(0, 9), bad)
