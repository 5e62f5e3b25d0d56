"""Fronts and hypervolumes, against slow and obvious ones."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from search.front import (
    hypervolume,
    hypervolume_shares,
    knee,
    losses,
    non_dominated,
    rank_correlation,
    within_noise,
)

MINIMIZE = ["minimize", "minimize"]
DIRECTIONS = st.lists(st.sampled_from(["minimize", "maximize"]), min_size=1, max_size=3)


@st.composite
def points(draw):
    """Points on a coarse lattice, so that ties and copies are common, with directions."""
    directions = draw(DIRECTIONS)
    shape = (draw(st.integers(1, 12)), len(directions))
    values = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 5)))
    return values.astype(np.float64), directions


def beats(a, b):
    return bool(np.all(a <= b) and np.any(a < b))


def volume_by_counting(values, reference):
    """Counts the unit cells below the reference that some point on the lattice covers."""
    cells = itertools.product(*(range(int(side)) for side in reference))
    return sum(any(np.all(point <= cell) for point in values) for cell in cells)


@settings(deadline=None, derandomize=True)
@given(points())
def test_the_front_is_what_no_other_point_beats(case):
    values, directions = case
    less = losses(values, directions)
    expected = [not any(beats(other, point) for other in less) for point in less]
    assert non_dominated(values, directions).tolist() == expected


@settings(deadline=None, derandomize=True)
@given(points())
def test_the_hypervolume_counts_every_covered_cell(case):
    values, directions = case
    reference = np.full(values.shape[1], 4.0)
    signed = losses(values, directions), losses(reference, directions)
    assert hypervolume(*signed, directions) == volume_by_counting(values, reference)


@settings(deadline=None, derandomize=True)
@given(points())
def test_a_share_is_what_would_be_lost_without_the_point(case):
    values, directions = case
    reference = losses(np.full(values.shape[1], 4.0), directions)
    front = values[non_dominated(values, directions)]
    total = hypervolume(front, reference, directions)
    shares = hypervolume_shares(front, reference, directions)
    for index, share in enumerate(shares):
        left = hypervolume(np.delete(front, index, axis=0), reference, directions)
        assert share * total == pytest.approx(total - left)


def test_directions_turn_the_front_around():
    values = [[1.0, 1.0], [2.0, 2.0]]
    assert non_dominated(values, ["minimize", "minimize"]).tolist() == [True, False]
    assert non_dominated(values, ["maximize", "maximize"]).tolist() == [False, True]
    assert non_dominated(values, ["minimize", "maximize"]).tolist() == [True, True]


def test_nothing_has_an_empty_front():
    nothing = np.zeros((0, 2))
    assert non_dominated(nothing, MINIMIZE).tolist() == []
    assert hypervolume(nothing, [1.0, 1.0], MINIMIZE) == 0.0


@pytest.mark.parametrize(
    ("values", "index"),
    [
        ([[3.0, 4.0]], 0),
        ([[0.0, 1.0], [0.2, 0.3], [1.0, 0.0]], 1),
        ([[0.0, 1000.0], [0.9, 10.0], [1.0, 0.0]], 1),
        ([[1.0, 1.0], [1.0, 1.0]], 0),
    ],
)
def test_the_knee_is_nearest_to_the_ideal_corner(values, index):
    assert knee(values, MINIMIZE) == index


def test_the_knee_knows_directions():
    assert knee([[0.0, 0.0], [0.2, 0.7], [1.0, 1.0]], ["minimize", "maximize"]) == 1


@pytest.mark.parametrize(
    ("point", "is_near"),
    [([1.05, 2.05], True), ([1.05, 9.0], True), ([1.2, 2.05], True), ([1.2, 2.2], False)],
)
def test_a_point_is_near_when_the_noise_could_put_it_on_the_front(point, is_near):
    values = np.array([[1.0, 2.0], point])
    near = within_noise(values, np.array([True, False]), [0.1, 0.1], MINIMIZE)
    assert near.tolist() == [False, is_near]


def test_noise_may_differ_from_point_to_point():
    values = np.array([[1.0, 1.0], [1.5, 1.5], [1.5, 1.5]])
    noise = np.array([[0.0, 0.0], [0.1, 0.1], [1.0, 1.0]])
    front = np.array([True, False, False])
    assert within_noise(values, front, noise, MINIMIZE).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 3, 4, 5], [1, 4, 9, 16, 25], 1.0),
        ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], -1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], None),
        ([1, 1, 1, 1, 1], [1, 2, 3, 4, 5], None),
    ],
)
def test_the_rank_correlation_is_spearmans_where_there_is_one(first, second, expected):
    found = rank_correlation(first, second)
    assert found is None if expected is None else found == pytest.approx(expected)
