import numpy as np
import pytest

from vaemodels.metrics import neighbours
from vaemodels.metrics.neighbours import density_coverage, expected_coverage, precision_recall


def normal(seed, num_images=300, num_features=4):
    return np.random.default_rng(seed).normal(size=(num_images, num_features))


def radii(table, num_neighbours):
    distances = np.linalg.norm(table[:, None] - table, axis=-1)
    return np.sort(distances, axis=1)[:, num_neighbours]  # column 0 is the image itself


def by_hand(real, made, num_neighbours):
    """All four values from a full matrix of differences."""
    distances = np.linalg.norm(made[:, None] - real, axis=-1)
    in_real = distances <= radii(real, num_neighbours)
    in_made = distances <= radii(made, num_neighbours)[:, None]
    return {
        "precision": in_real.any(axis=1).mean(),
        "recall": in_made.any(axis=0).mean(),
        "density": in_real.sum() / num_neighbours / len(made),
        "coverage": in_real.any(axis=0).mean(),
    }


def measure(real, made, num_neighbours):
    both = precision_recall(real, made, num_neighbours) | density_coverage(
        real, made, num_neighbours
    )
    return {name: estimate.value for name, estimate in both.items()}


@pytest.mark.parametrize("num_neighbours", [1, 3, 7])
@pytest.mark.parametrize("block_mib", [64, 0.01])  # 0.01: four images at a time
def test_equals_the_full_matrix_of_distances(num_neighbours, block_mib, monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK_MIB", block_mib)
    real, made = normal(0), 0.8 * normal(1, 200) + 0.5
    assert measure(real, made, num_neighbours) == pytest.approx(by_hand(real, made, num_neighbours))


def test_the_real_images_themselves_are_on_the_manifold():
    values = measure(normal(0), normal(0), 3)
    assert (values["precision"], values["recall"], values["coverage"]) == (1.0, 1.0, 1.0)


def test_sets_far_apart_share_nothing():
    assert set(measure(normal(0), normal(1) + 100.0, 3).values()) == {0.0}


def test_one_repeated_image_is_precise_without_recall():
    made = np.repeat(normal(0)[:1], 50, axis=0)
    values = measure(normal(0), made, 3)
    assert values["precision"] == 1.0
    assert values["recall"] < 0.01
    assert values["coverage"] < 0.05


def test_a_perfect_generator_has_density_one_and_the_coverage_of_the_formula():
    pairs = [density_coverage(normal(2 * i), normal(2 * i + 1, 200)) for i in range(20)]
    density = np.mean([pair["density"].value for pair in pairs])
    coverage = np.mean([pair["coverage"].value for pair in pairs])
    assert density == pytest.approx(1.0, abs=0.05)
    assert coverage == pytest.approx(expected_coverage(300, 200), abs=0.01)


def test_the_coverage_of_many_images_has_a_short_form():
    assert expected_coverage(10_000, 10_000) == pytest.approx(1 - 2**-5, abs=1e-4)
    assert expected_coverage(4, 2, num_neighbours=1) == pytest.approx(1 - 3 / 5)


def test_says_its_sample_counts_and_standard_errors():
    both = precision_recall(normal(0), normal(1, 200)) | density_coverage(normal(0), normal(1, 200))
    counts = {name: estimate.num_samples for name, estimate in both.items()}
    assert counts == {"precision": 200, "recall": 300, "density": 200, "coverage": 300}
    share = both["precision"].value
    expected = np.sqrt(share * (1 - share) / 199)
    assert both["precision"].standard_error == pytest.approx(expected)


def test_a_shift_of_both_sets_changes_nothing():
    near, far = (measure(normal(0) + s, normal(1) + s, 3) for s in (0.0, 1e6))
    assert far == pytest.approx(near)


@pytest.mark.parametrize("num_neighbours", [0, 5, 1.5])
def test_refuses_as_many_neighbours_as_images(num_neighbours):
    for measure_one in (precision_recall, density_coverage):
        with pytest.raises(ValueError, match="Invalid value for `num_neighbours`"):
            measure_one(normal(0, 5), normal(1, 9), num_neighbours)


def test_few_generated_images_have_a_density_but_no_manifold():
    assert density_coverage(normal(0), normal(1, 1))["density"].num_samples == 1
    with pytest.raises(ValueError, match=r"number of images in `generated`, 1\..*=3"):
        precision_recall(normal(0), normal(1, 1))


@pytest.mark.parametrize("measure_one", [precision_recall, density_coverage])
def test_refuses_what_is_not_two_tables_of_features(measure_one):
    with pytest.raises(ValueError, match=r"Invalid shape for `generated`"):
        measure_one(normal(0), np.zeros((0, 4)))
    with pytest.raises(ValueError, match="`reference` has NaN"):
        measure_one(np.full((9, 4), np.nan), normal(1))
    with pytest.raises(ValueError, match=r"`reference` and `generated`.*\[4, 3\]"):
        measure_one(normal(0), normal(1, num_features=3))


@pytest.mark.parametrize("numbers", [(5, 9, 5), (9, 0, 5), (9, 9, 0)])
def test_refuses_the_coverage_of_too_few_images(numbers):
    with pytest.raises(ValueError, match=r"Invalid value for `num_"):
        expected_coverage(*numbers)
