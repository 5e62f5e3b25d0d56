"""Successive halving as pure functions: ranks, rungs, verdicts."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search.front import non_dominated
from search.halving import judge, ranking, rung_epochs, spread

BOTH_DOWN = ["minimize", "minimize"]
POINTS = arrays(
    float,
    st.tuples(st.integers(1, 12), st.just(2)),
    elements=st.integers(0, 6).map(float),  # small, so that there are ties
)


@pytest.mark.parametrize(
    ("grace", "factor", "budget", "every", "expected"),
    [
        (1, 3, 30, 1, (1, 3, 9, 27)),
        (1, 3, 27, 1, (1, 3, 9)),  # the budget itself is no rung
        (4, 2, 60, 10, (10, 20, 40)),  # moved up to measured epochs, each once
        (60, 3, 60, 10, ()),
    ],
)
def test_rungs(grace, factor, budget, every, expected):
    assert rung_epochs(grace, factor, budget, every) == expected


@given(POINTS)
def test_a_ranking_holds_every_point_once_and_fronts_in_order(points):
    order = ranking(points, BOTH_DOWN)
    assert sorted(order) == list(range(len(points)))
    left = list(range(len(points)))
    position = 0
    while left:
        front = [
            i for i, on in zip(left, non_dominated(points[left], BOTH_DOWN), strict=True) if on
        ]
        assert set(order[position : position + len(front)]) == set(front)
        position += len(front)
        left = [i for i in left if i not in front]


@given(POINTS)
def test_no_point_ranks_before_one_that_beats_it(points):
    rank = np.argsort(ranking(points, BOTH_DOWN))
    for a, b in itertools.permutations(range(len(points)), 2):
        if (points[a] <= points[b]).all() and (points[a] < points[b]).any():
            assert rank[a] < rank[b]


@given(POINTS)
def test_directions_are_only_signs(points):
    flipped = points * [1.0, -1.0]
    np.testing.assert_array_equal(
        ranking(points, BOTH_DOWN), ranking(flipped, ["minimize", "maximize"])
    )


@given(POINTS)
def test_units_do_not_matter(points):
    np.testing.assert_array_equal(
        ranking(points, BOTH_DOWN), ranking(points * [1.0, 2.0**10], BOTH_DOWN)
    )


def test_what_is_not_finite_comes_last():
    points = [[np.nan, 0.0], [5.0, 5.0], [0.0, np.inf], [1.0, 1.0]]
    assert ranking(points, BOTH_DOWN).tolist() == [3, 1, 0, 2]


@given(POINTS)
def test_every_prefix_covers_the_points_within_twice_the_best_radius(points):
    """The guarantee of farthest-first traversal (Gonzalez, 1985), by brute force."""
    points = np.unique(points, axis=0)
    order = spread(points)
    span = np.ptp(points, axis=0)
    scaled = (points - points.min(axis=0)) / np.where(span > 0, span, 1.0)
    distances = np.linalg.norm(scaled[:, None] - scaled[None], axis=2)
    for size in range(1, min(4, len(points)) + 1):
        radius = distances[:, order[:size]].min(axis=1).max()
        subsets = itertools.combinations(range(len(points)), size)
        best = min(distances[:, list(subset)].min(axis=1).max() for subset in subsets)
        assert radius <= 2 * best + 1e-9


def test_inside_of_a_front_the_ends_come_before_what_lies_near():
    points = np.array([[0.0, 1.0], [0.1, 0.9], [0.45, 0.45], [0.9, 0.1], [1.0, 0.0]])
    assert spread(points)[:3].tolist() in ([2, 0, 4], [2, 4, 0])


def test_the_first_at_a_rung_goes_on_and_later_ones_must_be_among_the_best():
    verdict = judge(9, [4], [[5.0, 5.0]], BOTH_DOWN, factor=3)
    assert verdict.is_kept
    verdict = judge(9, [4, 7], [[5.0, 5.0], [6.0, 6.0]], BOTH_DOWN, factor=3)
    assert (verdict.rank, verdict.num_trials, verdict.num_kept) == (2, 2, 1)
    assert verdict.ahead == (4,)
    assert not verdict.is_kept
    verdict = judge(9, [4, 7, 8], [[5.0, 5.0], [6.0, 6.0], [4.0, 4.0]], BOTH_DOWN, factor=3)
    assert verdict.is_kept


@given(POINTS, st.integers(2, 4))
def test_about_one_in_factor_goes_on_among_independent_trials(points, factor):
    kept = [
        judge(1, list(range(n)), points[:n], BOTH_DOWN, factor).is_kept
        for n in range(1, len(points) + 1)
    ]
    assert kept[0]
    assert 1 <= sum(kept) <= len(points)
    last = judge(1, list(range(len(points))), points, BOTH_DOWN, factor)
    assert last.num_kept == -(-len(points) // factor)
