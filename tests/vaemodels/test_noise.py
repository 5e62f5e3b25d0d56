import numpy as np
import pytest
from scipy.stats import kstest

from vaemodels.noise import base_noise, draw, generator

# base_noise('normal', 0, 2, 2) with NumPy 2.4.6
GOLDEN_NORMAL = np.array([[0.059911, -1.431463], [0.01556, 1.670717]])


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_noise_is_nested_over_samples_and_dimensions(kind):
    large = base_noise(kind, 3, 50, 7)
    np.testing.assert_array_equal(base_noise(kind, 3, 20, 4), large[:20, :4])
    assert large.dtype == np.float32


@pytest.mark.parametrize(("kind", "law"), [("normal", "norm"), ("uniform", "uniform")])
def test_noise_follows_its_law(kind, law):
    noise = base_noise(kind, 1, 20_000, 3)
    assert all(kstest(column, law).pvalue > 1e-4 for column in noise.T)
    assert np.abs(np.corrcoef(noise, rowvar=False) - np.eye(3)).max() < 0.03


def test_seeds_kinds_and_columns_differ():
    columns = [base_noise("normal", 1, 9, 2), base_noise("normal", 2, 9, 2)]
    assert len({column.tobytes() for block in columns for column in block.T}) == 4


def test_uniform_noise_is_open_at_both_ends():
    noise = draw(generator(0, "uniform", 0), "uniform", (10**6,))
    assert noise.min() > 0
    assert noise.max() < 1


def test_drawing_in_pieces_changes_nothing():
    whole = draw(generator(1, "training", 2), "normal", (10, 7))
    rng = generator(1, "training", 2)
    pieces = [draw(rng, "normal", (size, 7)) for size in (1, 6, 3)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_the_draws_never_change():
    # A stored study must see the same noise after an upgrade of NumPy.
    assert base_noise("normal", 0, 2, 2) == pytest.approx(GOLDEN_NORMAL, abs=1e-6)


@pytest.mark.parametrize(("kind", "seed"), [("normal", -1), ("cauchy", 0), ("normal", 2**63)])
def test_wrong_arguments_are_refused(kind, seed):
    with pytest.raises(ValueError, match=r"Invalid value for `(seed|kind)`"):
        base_noise(kind, seed, 2, 2)
