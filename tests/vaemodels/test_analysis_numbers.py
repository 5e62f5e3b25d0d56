"""The numbers behind the pictures, on cases that can be worked out by hand."""

import numpy as np
import pytest
from scipy.special import ndtr

from vaemodels.analysis.centroids import class_centroids, nearest_centroid_accuracy
from vaemodels.analysis.code_noise import noisy_codes
from vaemodels.analysis.drawing import class_colours
from vaemodels.analysis.findings import rounded
from vaemodels.analysis.interpolation import interpolate
from vaemodels.analysis.manifold import latent_grid, normal_quantiles
from vaemodels.analysis.reconstructions import squared_errors
from vaemodels.analysis.samples import mean_pairwise_distance
from vaemodels.analysis.scatter import tsne
from vaemodels.links import LINKS

RNG = np.random.default_rng(0)


def test_squared_errors_are_summed_over_pixels():
    images = np.zeros((2, 2, 2, 1), np.float32)
    others = images + np.array([0.5, 1.0], np.float32)[:, None, None, None]
    np.testing.assert_allclose(squared_errors(images, others), [1.0, 4.0])
    with pytest.raises(ValueError, match="that of `images`"):
        squared_errors(images, others[:1])


def test_the_mean_distance_is_over_pairs():
    images = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])[:, None, :, None]
    assert mean_pairwise_distance(images) == pytest.approx(10 / 3)
    for wrong in (images[:1], images * np.nan):
        with pytest.raises(ValueError, match="at least 2 images"):
            mean_pairwise_distance(wrong)


def test_centroids_are_means_of_the_classes_that_occur():
    codes = np.array([[0.0, 0.0], [2.0, 0.0], [5.0, 5.0]])
    centroids, classes = class_centroids(codes, np.array([7, 7, 3]))
    assert classes.tolist() == [3, 7]
    assert centroids.tolist() == [[5.0, 5.0], [1.0, 0.0]]


def test_an_image_does_not_pull_its_own_centroid():
    codes, labels = RNG.normal(size=(40, 3)), RNG.integers(0, 4, 40)
    hits = []
    for row in range(40):
        others = np.arange(40) != row
        centroids, classes = class_centroids(codes[others], labels[others])
        hits.append(classes[np.linalg.norm(centroids - codes[row], axis=1).argmin()] == labels[row])
    found = nearest_centroid_accuracy(codes, labels)
    assert found.value == pytest.approx(np.mean(hits))
    assert found.num_samples == 40


def test_far_classes_are_told_apart_and_one_class_is_refused():
    codes = np.array([[0.0], [0.1], [9.0], [9.1]])
    assert nearest_centroid_accuracy(codes, np.array([0, 0, 1, 1])).value == 1.0
    alone = np.array([0, 0, 1, 2])  # nothing is left of a class without its only image
    assert nearest_centroid_accuracy(codes, alone).value == 0.5
    with pytest.raises(ValueError, match="at least 2 classes"):
        nearest_centroid_accuracy(codes, np.zeros(4, int))


def test_the_grid_of_a_normal_prior_is_even_in_probability():
    np.testing.assert_allclose(ndtr(normal_quantiles(4)), [0.125, 0.375, 0.625, 0.875])
    grid = latent_grid(None, 2, size=3)
    assert grid.dims == (0, 1)
    np.testing.assert_allclose(grid.real[0], [grid.x_values[0], grid.y_values[0]], rtol=1e-6)
    assert (np.diff(grid.x_values) > 0).all()
    assert (np.diff(grid.y_values) < 0).all()  # the largest on top
    assert latent_grid(None, 1, size=3).real.shape == (3, 1)
    with pytest.raises(ValueError, match="more than 2 dimensions"):
        latent_grid(None, 3)


def test_the_grid_of_codes_varies_the_two_most_active():
    codes = RNG.normal(size=(500, 4)) * [0.1, 2.0, 0.2, 1.0] + 5
    grid = latent_grid(codes, 4, size=5)
    assert grid.dims == (1, 3)
    assert grid.real.shape == (25, 4)
    np.testing.assert_allclose(grid.real[:, [0, 2]], [codes.mean(axis=0)[[0, 2]]] * 25, rtol=1e-5)
    assert codes[:, 1].min() < grid.x_values[0] < grid.x_values[-1] < codes[:, 1].max()


def test_a_line_has_its_ends_and_even_steps():
    first, second = RNG.normal(size=(2, 3, 4)).astype(np.float32)
    line = interpolate(first, second, 5)
    np.testing.assert_allclose(line[:, 0], first, rtol=1e-6)
    np.testing.assert_allclose(line[:, -1], second, rtol=1e-6)
    np.testing.assert_allclose(np.diff(line, n=2, axis=1), 0, atol=1e-5)
    with pytest.raises(ValueError, match="that of `first`"):
        interpolate(first, second[:1], 5)
    with pytest.raises(ValueError, match="`num_points`"):
        interpolate(first, second, 1)


def test_a_line_of_log_ratios_stays_on_the_simplex():
    link = LINKS["log_simplex"]
    line = interpolate(*RNG.normal(size=(2, 1, 4)).astype(np.float32), 7)
    weights = np.asarray(link(link.from_real(line[0])))
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    assert (weights > 0).all()


def test_noise_grows_with_its_level_in_units_of_each_latent():
    codes, spread = np.zeros((4000, 2), np.float32), np.array([1.0, 10.0])
    np.testing.assert_array_equal(noisy_codes(codes, spread, 0.0, seed=1), codes)
    half, full = (noisy_codes(codes, spread, level, seed=1) for level in (0.5, 1.0))
    np.testing.assert_allclose(full, 2 * half, rtol=1e-6)
    np.testing.assert_allclose(full.std(axis=0), spread, rtol=0.05)


def test_tsne_repeats_and_refuses_what_it_cannot_place():
    codes = RNG.normal(size=(30, 5))
    np.testing.assert_array_equal(tsne(codes, seed=3), tsne(codes, seed=3))
    with pytest.raises(ValueError, match=r"num_images >= 10"):
        tsne(codes[:5])
    with pytest.raises(ValueError, match="NaN"):
        tsne(codes * np.nan)


@pytest.mark.parametrize("count", [1, 10, 15, 47])
def test_classes_have_colours_of_their_own(count):
    assert len(set(class_colours(count))) == count


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (60.0, "60"), (0.123456, "0.1235"), (12345.678, "12,346"), (3e-7, "3.000e-07")],
)
def test_numbers_are_written_for_people(value, text):
    assert rounded(value) == text
