"""Importance of parameters and the trade-off along a front, on searches whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test, spearmanr

from search.errors import SearchError
from search.importance import (
    best_values,
    importance_remarks,
    importances,
    judged_trials,
)
from search.report.importance import sentence
from search.trade_off import rank_test, trade_offs
from search.trial import Measurement, Trial, TrialState
from tests.search.examples import make_study, make_trial

SPACE = {
    "beta": {"type": "float", "low": 0.01, "high": 1.0, "log": True},
    "latent_dim": {"type": "int", "low": 2, "high": 16},
    "num_layers": {"type": "int", "low": 1, "high": 2},
    "widths": {"type": "int", "low": 8, "high": 64, "log": True, "length": "num_layers"},
    "variant": {"type": "categorical", "choices": ["vae", "gmvae"]},
    "num_components": {"type": "int", "low": 2, "high": 9, "when": {"variant": "gmvae"}},
}


def study(**changes):
    return make_study(space=SPACE, **changes)


def random_params(rng):
    num_layers = int(rng.integers(1, 3))
    variant = str(rng.choice(["vae", "gmvae"]))
    params = {
        "beta": float(10 ** rng.uniform(-2, 0)),
        "latent_dim": int(rng.integers(2, 17)),
        "num_layers": num_layers,
        "widths": [int(width) for width in rng.integers(8, 65, size=num_layers)],
        "variant": variant,
    }
    return params | ({"num_components": int(rng.integers(2, 10))} if variant == "gmvae" else {})


def search_of(count, fid, tvd, seed=0):
    """Returns trials at random points, with FID and TVD as functions of the params."""
    rng = np.random.default_rng(seed)
    points = [random_params(rng) for _ in range(count)]
    return [
        make_trial(number, (fid(params),), (tvd(params),), params=params)
        for number, params in enumerate(points)
    ]


@pytest.fixture(autouse=True)
def _fewer_shuffles(monkeypatch):
    monkeypatch.setattr("search.importance._NUM_SHUFFLES", 20)


class TestImportance:
    def test_the_parameter_that_decides_is_found(self):
        trials = search_of(80, lambda p: abs(np.log10(p["beta"]) + 1), lambda p: p["latent_dim"])
        fid, tvd = importances(study(), trials)
        assert (fid.objective, tvd.objective) == ("fid", "tvd")
        assert next(iter(fid.shares)) == "beta"
        assert next(iter(tvd.shares)) == "latent_dim"
        assert fid.clear[0] == "beta"
        assert sum(fid.shares.values()) == pytest.approx(1.0)

    def test_the_parameters_are_listed_by_item(self):
        (fid, _) = importances(study(), search_of(40, lambda p: p["beta"], lambda p: p["beta"]))
        assert set(fid.shares) == {
            "beta",
            "latent_dim",
            "num_layers",
            "widths[0]",
            "widths[1]",
            "variant",
            "num_components",
        }

    def test_a_direction_turns_it_round(self):
        down = search_of(60, lambda p: p["beta"], lambda p: p["beta"])
        up = search_of(60, lambda p: -p["beta"], lambda p: -p["beta"])
        objectives = {"fid": "maximize", "tvd": "maximize"}
        assert importances(study(objectives=objectives), up) == importances(study(), down)

    def test_noise_decides_nothing_in_most_cases(self):
        found = []
        for seed in range(6):
            noise = np.random.default_rng(100 + seed)
            draw = lambda _, noise=noise: float(noise.random())  # noqa: E731
            found += importances(study(), search_of(30, draw, draw, seed))
        claims = sum(len(item.clear) for item in found)
        assert claims / (len(found) * 7) < 0.2  # 0.05 are expected

    def test_it_repeats_itself(self):
        trials = search_of(30, lambda p: p["beta"], lambda p: p["latent_dim"])
        assert importances(study(), trials) == importances(study(), trials)

    def test_too_few_trials_are_refused_with_what_to_do(self):
        trials = search_of(7, lambda p: p["beta"], lambda p: p["beta"])
        with pytest.raises(SearchError, match=r"7 measured trials.*takes 10.*--trials \+3"):
            importances(study(), trials)

    def test_a_trial_counts_with_the_best_of_its_epochs(self):
        trial = make_trial(0, (5.0, 3.0, 4.0), (0.1, 0.3, 0.2))
        assert best_values(make_study(), [trial]).tolist() == [[3.0, 0.1]]

    def test_failed_and_unmeasured_trials_are_left_out_and_it_is_said(self):
        nan = (Measurement(1, {"fid": float("nan"), "tvd": 0.1}, 1.0),)
        trials = [
            make_trial(0),
            make_trial(1, state=TrialState.PRUNED),
            make_trial(2, state=TrialState.FAILED),
            make_trial(3, state=TrialState.RUNNING),
            make_trial(4, measurements=nan),
            Trial(5, {}, TrialState.COMPLETE),
        ]
        assert [trial.number for trial in judged_trials(make_study(), trials)] == [0, 1]
        stopped, failed = importance_remarks(make_study(), trials)
        assert stopped.startswith("1 of 2 trials were stopped early")
        assert failed.startswith("1 failed trials are left out")


def front_of(params):
    """Returns trials that form a front, in the order from low FID to low TVD."""
    last = len(params) - 1
    return [
        make_trial(number, (1.0 + number,), (0.1 + 0.1 * (last - number),), params=point)
        for number, point in enumerate(params)
    ]


def point(**changes):
    return {"beta": 0.1, "latent_dim": 8, "num_layers": 1, "widths": [32], **changes}


class TestTradeOff:
    def test_what_moves_along_the_front_is_found(self):
        rising = [point(beta=0.01 * 2**k, latent_dim=16 - 2 * k) for k in range(6)]
        (trade,) = trade_offs(study(), front_of(rising))
        assert trade.objectives == ("fid", "tvd")
        assert (trade.num_layers, trade.trials) == (1, [0, 1, 2, 3, 4, 5])
        moves = {move.parameter: move for move in trade.moves}
        assert moves["beta"].correlation == pytest.approx(1.0)
        assert moves["latent_dim"].correlation == pytest.approx(-1.0)
        assert moves["latent_dim"].first == 15.0
        assert moves["latent_dim"].second == 7.0
        assert moves["num_layers"].correlation is None
        assert [move.is_clear for move in trade.moves[:3]] == [True, True, False]
        assert "beta rises (0.015 to 0.24)" in sentence(trade)
        assert "latent_dim falls (15 to 7)" in sentence(trade)

    def test_choices_are_counted_at_the_ends(self):
        variants = ["vae", "vae", "vae", "gmvae", "gmvae", "vae"]
        (trade,) = trade_offs(study(), front_of([point(variant=name) for name in variants]))
        (move,) = [move for move in trade.moves if move.parameter == "variant"]
        assert (move.first, move.second) == ({"vae": 2}, {"gmvae": 1, "vae": 1})
        assert move.correlation is None

    def test_nothing_is_claimed_from_four_trials(self):
        (trade,) = trade_offs(study(), front_of([point(beta=0.01 * 2**k) for k in range(4)]))
        assert trade.moves == []
        assert "4 trials on the front say nothing" in sentence(trade)

    def test_the_next_layers_help_a_short_front(self):
        trials = front_of([point(beta=0.01 * 2**k) for k in range(4)])
        worse = [
            make_trial(4 + k, (1.5 + k,), (0.45 - 0.1 * k,), params=point(beta=0.01 * 2**k))
            for k in range(2)
        ]
        (trade,) = trade_offs(study(), [*trials, *worse])
        assert trade.num_layers == 2
        assert set(trade.trials) == {0, 1, 2, 3, 4, 5}
        assert {0, 1, 2, 3}.issuperset({trade.trials[0], trade.trials[-1]})

    def test_a_trial_has_one_place_however_many_epochs_are_on_the_front(self):
        trials = front_of([point(beta=0.01 * 2**k) for k in range(5)])
        many = make_trial(5, (0.9, 0.8, 0.7), (0.6, 0.7, 0.8), params=point(beta=0.012))
        (trade,) = trade_offs(study(), [*trials, many])
        assert trade.trials == [5, 0, 1, 2, 3, 4]

    def test_every_pair_of_objectives_has_its_own(self):
        config = study(objectives={"fid": "minimize", "tvd": "minimize", "elbo": "maximize"})
        trials = [
            make_trial(k, measurements=(Measurement(1, {"fid": k, "tvd": -k, "elbo": k}, 1.0),))
            for k in range(5)
        ]
        pairs = {trade.objectives: trade.trials for trade in trade_offs(config, trials)}
        assert pairs[("fid", "tvd")] == [0, 1, 2, 3, 4]
        assert pairs[("fid", "elbo")] == [0, 1, 2, 3, 4]
        assert set(pairs) == {("fid", "tvd"), ("fid", "elbo"), ("tvd", "elbo")}

    def test_one_objective_has_no_trade_off(self):
        assert trade_offs(study(objectives={"fid": "minimize"}), [make_trial(0)]) == []

    def test_a_search_without_measurements_has_none(self):
        assert trade_offs(study(), [Trial(0, {})]) == []


class TestRankTest:
    @settings(deadline=None, max_examples=8)
    @given(st.lists(st.integers(0, 20), min_size=4, max_size=6), st.integers(0, 99))
    def test_few_points_have_the_exact_probability(self, values, seed):
        if len(set(values)) == 1:
            return
        others = np.random.default_rng(seed).permutation(len(values))
        found, p_value = rank_test(values, others)
        exact = permutation_test(
            (others,),
            lambda places: abs(spearmanr(values, places).statistic),
            permutation_type="pairings",
            alternative="greater",
            n_resamples=np.inf,
        )
        assert found == pytest.approx(spearmanr(values, others).statistic)
        assert p_value == pytest.approx(exact.pvalue)

    def test_many_points_have_the_usual_one(self):
        a, b = np.random.default_rng(1).random((2, 30))
        assert rank_test(a, b) == pytest.approx(tuple(spearmanr(a, b)))

    def test_a_constant_says_nothing(self):
        assert rank_test([1, 1, 1], [1, 2, 3]) == (None, None)
