"""Statistics of a front that was trained again: closed forms and properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, norm, t

from search.confirm import (
    Estimates,
    agreement,
    attainment,
    bars_apart,
    estimate,
    front_probability,
    next_repeat,
    pooled_spread,
)

NAN = math.nan
DOWN = ["minimize", "minimize"]


def rows(*values):
    return np.array(values, dtype=float)


def known(means, errors, degrees=10**6):
    """Returns estimates of candidates, with normal errors by default."""
    count = len(means)
    return Estimates(
        np.array(means, float),
        np.array(errors, float),
        np.full(count, degrees),
        np.full(count, 5),
    )


class TestSpread:
    def test_it_is_the_root_mean_square_of_relative_deviations_by_degrees_of_freedom(self):
        first, second = rows([9.0], [11.0]), rows([90.0], [100.0], [110.0])
        spread = pooled_spread([first, second])
        squares = [2.0 / 10**2, 200.0 / 100**2]
        assert spread.size == pytest.approx([math.sqrt(sum(squares) / 3)])
        assert spread.degrees == 3
        assert spread.at([[50.0]]) == pytest.approx(np.array([[50.0 * spread.size[0]]]))

    @pytest.mark.parametrize("other", [0.0, -1.0])
    def test_it_is_absolute_where_values_have_no_common_sign(self, other):
        spread = pooled_spread([rows([1.0], [3.0]), rows([other])])
        assert not spread.is_relative[0]
        assert spread.at([100.0]) == pytest.approx([math.sqrt(2)])

    def test_it_is_unknown_without_two_trainings_of_a_candidate(self):
        spread = pooled_spread([rows([1.0]), rows([2.0], [NAN])])
        assert (spread.degrees, np.isnan(spread.size).all()) == (0, True)


class TestEstimates:
    def test_three_trainings_know_their_own_deviation(self):
        found = estimate([rows([1.0, 10.0], [2.0, 20.0], [3.0, 30.0])])
        assert found.means.tolist() == [[2.0, 20.0]]
        assert found.errors == pytest.approx(np.array([[1.0, 10.0]]) / math.sqrt(3))
        assert (found.degrees.tolist(), found.counts.tolist()) == ([2], [3])

    def test_fewer_share_the_pooled_one(self):
        many, two = rows([8.0], [10.0], [12.0]), rows([100.0], [100.0])
        found = estimate([many, two])
        share = math.sqrt((8.0 / 10**2 + 0.0) / 3)
        assert found.errors[1] == pytest.approx([100.0 * share / math.sqrt(2)])
        assert found.degrees.tolist() == [2, 3]

    def test_failed_trainings_count_in_no_mean(self):
        found = estimate([rows([1.0], [NAN], [3.0]), rows([NAN])])
        assert found.means[0] == [2.0]
        assert np.isnan(found.means[1])
        assert found.counts.tolist() == [2, 0]

    @settings(deadline=None)
    @given(st.lists(st.floats(0.1, 10), min_size=3, max_size=6), st.floats(0.1, 10))
    def test_units_do_not_matter(self, values, unit):
        plain = estimate([np.array(values)[:, None]])
        scaled = estimate([np.array(values)[:, None] * unit])
        np.testing.assert_allclose(scaled.means, plain.means * unit)
        np.testing.assert_allclose(scaled.errors, plain.errors * unit, atol=1e-12)


class TestProbability:
    def test_two_candidates_of_one_objective_have_a_closed_form(self):
        found = front_probability(known([[0.0], [1.0]], [[1.0], [2.0]]), ["minimize"])
        expected = norm.cdf(1.0 / math.sqrt(5.0))
        assert found[0] == pytest.approx(expected, abs=0.03)
        assert found.sum() == pytest.approx(1.0)

    def test_few_degrees_of_freedom_have_wide_tails(self):
        found = front_probability(known([[0.0], [2.0]], [[1.0], [0.0]], degrees=2), ["minimize"])
        assert found[1] == pytest.approx(t.sf(2.0, 2), abs=0.02)

    def test_independent_objectives_multiply(self):
        means, errors = [[0.0, 0.0], [1.0, 1.0]], [[1.0, 1.0], [0.0, 0.0]]
        found = front_probability(known(means, errors), DOWN)
        assert found[1] == pytest.approx(1.0 - norm.cdf(1.0) ** 2, abs=0.03)

    def test_the_ends_of_a_sure_front_are_on_it(self):
        means = [[1.0, 3.0], [3.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
        found = front_probability(known(means, np.full((4, 2), 0.01)), DOWN)
        assert found.tolist() == [1.0, 1.0, 1.0, 0.0]

    def test_equal_candidates_without_any_spread_are_both_on_it(self):
        found = front_probability(known([[1.0, 1.0]] * 2, np.zeros((2, 2))), DOWN)
        assert found.tolist() == [1.0, 1.0]

    def test_directions_turn_it_round(self):
        means, errors = [[0.0, 5.0], [1.0, 4.0], [2.0, 3.0]], np.full((3, 2), 0.7)
        down = front_probability(known(means, errors), DOWN)
        up = front_probability(known(-np.array(means), errors), ["maximize", "maximize"])
        assert up == pytest.approx(down)

    def test_it_repeats_itself_and_another_seed_differs_little(self):
        found = known([[1.0, 2.0], [1.2, 1.9], [0.9, 2.2]], np.full((3, 2), 0.2), 4)
        first = front_probability(found, DOWN)
        assert (front_probability(found, DOWN) == first).all()
        assert front_probability(found, DOWN, seed=1) == pytest.approx(first, abs=0.04)

    def test_what_never_worked_is_on_no_front(self):
        found = estimate([rows([1.0, 1.0], [2.0, 2.0]), rows([NAN, NAN])])
        assert front_probability(found, DOWN).tolist() == [1.0, 0.0]

    def test_it_is_unknown_while_nothing_was_trained_twice(self):
        found = estimate([rows([1.0, 1.0]), rows([2.0, 2.0])])
        assert np.isnan(front_probability(found, DOWN)).all()


class TestAttainment:
    RUNS = (rows([1.0, 3.0], [3.0, 1.0]), rows([2.0, 4.0], [4.0, 2.0]), rows([9.0, 9.0]))

    def test_all_runs_attain_what_the_worst_does(self):
        edges = attainment(self.RUNS, DOWN, (1, 50, 100))
        assert edges[1].tolist() == [[1.0, 3.0], [3.0, 1.0]]
        assert edges[50].tolist() == [[2.0, 4.0], [4.0, 2.0]]
        assert edges[100].tolist() == [[9.0, 9.0]]

    def test_maximising_is_minimising_the_negative(self):
        turned = [run * [-1.0, 1.0] for run in self.RUNS]
        edges = attainment(turned, ["maximize", "minimize"], (50,))
        assert edges[50].tolist() == [[-4.0, 2.0], [-2.0, 4.0]]

    def test_a_run_in_which_all_failed_is_left_out(self):
        edges = attainment([self.RUNS[0], rows([NAN, NAN])], DOWN, (100,))
        assert edges[100].tolist() == [[1.0, 3.0], [3.0, 1.0]]
        assert attainment([], DOWN, (50,))[50].shape == (0, 2)

    @settings(deadline=None)
    @given(st.integers(0, 1000))
    def test_more_runs_attain_less(self, seed):
        runs = list(np.random.default_rng(seed).random((5, 4, 2)))
        edges = attainment(runs, DOWN, (25, 50, 75))
        for inner, outer in ((25, 50), (50, 75)):
            reached = (edges[inner][None] <= edges[outer][:, None]).all(axis=2).any(axis=1)
            assert reached.all()


class TestAgreement:
    def test_repeats_that_agree_have_one(self):
        found = agreement(rows([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]))
        assert found is not None
        assert found.w == pytest.approx(1.0)

    def test_opposite_orders_have_none(self):
        found = agreement(rows([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]))
        assert found is not None
        assert (found.w, found.p_value) == (0.0, 1.0)

    @pytest.mark.parametrize("ties", [False, True])
    def test_it_is_friedmans_test(self, ties):
        values = np.random.default_rng(3).normal(size=(6, 5)).round(0 if ties else 9)
        statistic, p_value = friedmanchisquare(*values.T)
        found = agreement(values)
        assert found is not None
        assert found.w == pytest.approx(statistic / (6 * 4))
        assert found.p_value == pytest.approx(p_value)

    @pytest.mark.parametrize(
        "values",
        [
            rows([1.0, 2.0, 3.0]),
            rows([1.0, 2.0], [1.0, 2.0]),
            rows([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]),
            rows([1.0, 2.0, NAN], [1.0, 2.0, 3.0]),
        ],
    )
    def test_it_says_nothing_of_too_little(self, values):
        assert agreement(values) is None


class TestBarsApart:
    VALUES = rows([1.0, 3.0], [3.0, 1.0], [2.0, 4.0], [4.0, 4.0])
    FRONT = np.array([True, True, False, False])

    def test_it_is_the_gap_in_bars_of_both(self):
        apart = bars_apart(self.VALUES, self.FRONT, 0.5, DOWN)
        # To be rid of (1, 3), (2, 4) gives 1 in one of the objectives; (3, 1) never beat it.
        assert apart[2] == pytest.approx(1.0)
        assert apart[3] == pytest.approx(1.0)
        assert (apart[:2] <= 0).all()

    def test_longer_bars_bring_everything_nearer(self):
        near = bars_apart(self.VALUES, self.FRONT, 1.0, DOWN)
        assert near[2] == pytest.approx(0.5)

    def test_an_objective_without_bars_cannot_be_made_up_for(self):
        values = rows([1.0, 1.0], [1.0, 2.0])
        assert bars_apart(values, np.array([True, False]), [0.0, 0.25], DOWN)[1] == 2.0
        assert bars_apart(values, np.array([True, False]), 0.0, DOWN)[1] == math.inf

    def test_directions_turn_it_round(self):
        up = bars_apart(-self.VALUES, self.FRONT, 0.5, ["maximize", "maximize"])
        assert up == pytest.approx(bars_apart(self.VALUES, self.FRONT, 0.5, DOWN))


class TestNextRepeat:
    def test_all_get_their_first_two_before_any_gets_more(self):
        done = {4: {1, 2}, 2: {1}, 7: {1}}
        assert next_repeat({4: set(), 2: set()}, {}, 5) == (4, 1)
        assert next_repeat(done, {4: [0.5]}, 5) == (2, 2)

    def test_then_the_least_certain(self):
        done = {1: {1, 2}, 2: {1, 2}, 3: {1, 2}}
        assert next_repeat(done, {1: [0.9], 2: [0.4, 1.0], 3: [0.1]}, 5) == (2, 3)

    def test_ties_go_to_the_fewest_repeats_then_the_lowest_number(self):
        done = {9: {1, 2, 3}, 5: {1, 2}, 3: {1, 2, 3}}
        chances = {9: [1.0], 5: [0.0], 3: [0.0]}
        assert next_repeat(done, chances, 4) == (5, 3)
        done[5] = {1, 2, 3}
        assert next_repeat(done, chances, 4) == (3, 4)

    def test_the_unknown_is_least_certain(self):
        assert next_repeat({1: {1, 2}, 2: {1, 2}}, {1: [0.6], 2: [NAN]}, 3) == (2, 3)

    def test_gaps_are_filled_and_then_nothing_is_left(self):
        assert next_repeat({1: {2, 3}}, {1: [1.0]}, 3) == (1, 1)
        assert next_repeat({1: {1, 2, 3, 4}}, {}, 3) is None
        assert next_repeat({}, {}, 3) is None

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(1, 4))
    def test_every_trial_gets_every_seed_once(self, chances, seeds):
        done: dict[int, set[int]] = {trial: set() for trial in range(len(chances))}
        while (
            chosen := next_repeat(done, dict(enumerate([[c] for c in chances])), seeds)
        ) is not None:
            trial, repeat = chosen
            assert repeat not in done[trial]
            done[trial].add(repeat)
        assert all(had == set(range(1, seeds + 1)) for had in done.values())
