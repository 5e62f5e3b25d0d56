"""Samplers: what `auto` stands for, and that every proposal lies in the space."""

import importlib.util
import secrets
from typing import final

import optuna
import pytest
from optuna.distributions import FloatDistribution

from search import portfolio
from search.errors import StudyConfigError
from search.portfolio import START_TRIALS, Mutation
from search.samplers import choose_sampler, make_sampler
from search.space import flat_items
from search.study.knowledge import Knowledge
from search.study.proposals import Proposals
from search.study.reader import SearchRecord
from search.trial import TrialState
from tests.search.examples import SPACE, make_study

CONDITIONAL = {
    **SPACE,
    "num_layers": {"type": "int", "low": 1, "high": 3},
    "widths": {"type": "int", "low": 8, "high": 64, "log": True, "length": "num_layers"},
    "dropout": {"type": "float", "low": 0.0, "high": 0.3, "step": 0.1, "when": {"num_layers": 2}},
}
FINITE = {
    "latent_dim": {"type": "int", "low": 2, "high": 6},
    "dropout": {"type": "float", "low": 0.0, "high": 0.3, "step": 0.1},
}
WITH_A_CHOICE = {**SPACE, "activation": {"type": "categorical", "choices": ["relu", "elu"]}}
FOUR_OBJECTIVES = dict.fromkeys(["fid", "tvd", "kl_loss", "num_parameters"], "minimize")


@pytest.mark.parametrize(
    ("space", "trials", "name"),
    [
        (FINITE, 20, "grid"),
        (FINITE, 19, "tpe"),
        (FINITE, 12, "quasi-random"),
        (SPACE, 12, "quasi-random"),
        (SPACE, 13, "tpe"),
        (CONDITIONAL, 12, "tpe"),
        (SPACE, 2000, "nsga2"),
    ],
)
def test_auto_chooses_by_the_space_and_the_budget(space, trials, name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    config = make_study(space=space, sampler="auto", budget={"trials": trials, "epochs": 1})
    assert choose_sampler(config) == name


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "gp+tpe"),
        ({"budget": {"trials": 12, "epochs": 2}}, "quasi-random"),
        ({"space": WITH_A_CHOICE}, "tpe"),
        ({"space": CONDITIONAL}, "tpe"),
        ({"early_stopping": {"rule": "halving"}}, "tpe"),
        ({"objectives": FOUR_OBJECTIVES}, "tpe"),
    ],
)
def test_with_torch_auto_models_numbers_by_a_gaussian_process(changes, name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    values = {"sampler": "auto", "budget": {"trials": 30, "epochs": 2}, **changes}
    assert choose_sampler(make_study(**values)) == name


def test_a_named_sampler_is_the_one_used():
    assert choose_sampler(make_study(space=FINITE, sampler="nsga2")) == "nsga2"


def test_a_grid_of_a_continuous_space_is_refused():
    with pytest.raises(
        StudyConfigError, match=r"finitely many values of `beta`\. Give it a `step`"
    ):
        choose_sampler(make_study(sampler="grid"))


def test_gp_without_its_extra_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StudyConfigError, match=r"pip install 'vaesearch\[gp\]', or choose `auto`"):
        choose_sampler(make_study(sampler="gp"))


def proposed(sampler, space, count, seed=0, at_once=1):
    """Returns what a sampler proposes, `at_once` before the first of them is told."""
    config = make_study(space=space, sampler=sampler, seed=seed)
    record = SearchRecord(secrets.token_hex(8), config.name, config, {}, 0.0, None)
    proposals = Proposals(record, Knowledge())
    found = []
    for number in range(count):
        found.append(proposals.ask(number))
        told = number - at_once + 1
        if told >= 0:
            fid = float(found[told]["latent_dim"])
            state = TrialState.FAILED if fid == 3 else TrialState.COMPLETE
            proposals.tell(told, state, [fid, 1 / fid])
    return config, found


@pytest.mark.parametrize(
    ("sampler", "space"),
    [
        ("tpe", CONDITIONAL),
        ("nsga2", CONDITIONAL),
        ("random", CONDITIONAL),
        ("quasi-random", CONDITIONAL),
        ("quasi-random", SPACE),
        ("grid", FINITE),
    ],
)
def test_proposals_lie_in_the_space_and_repeat_with_the_seed(sampler, space):
    config, found = proposed(sampler, space, 14)
    for params in found:
        flat_items(config.parameters, config.fixed, params)
    assert len({str(params) for params in found}) == 14
    assert proposed(sampler, space, 14)[1] == found
    assert proposed(sampler, space, 14, seed=1)[1] != found


def test_auto_first_tries_the_middle_of_the_ranges():
    space = {
        "learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
        "beta": {"type": "float", "low": 0.5, "high": 1.5},
        "dropout": {"type": "float", "low": 0.0, "high": 0.4, "step": 0.1},
        "latent_dim": {"type": "int", "low": 2, "high": 64, "log": True},
        "activation": {"type": "categorical", "choices": ["relu", "elu"]},
    }
    _, [params] = proposed("tpe", space, 1)
    _, [other] = proposed("tpe", space, 1, seed=1)
    numbers = {"beta": 1.0, "dropout": 0.2, "latent_dim": 11}
    assert {name: params[name] for name in numbers} == numbers
    assert params["learning_rate"] == pytest.approx(1e-3)
    assert {**other, "activation": ""} == {**params, "activation": ""}


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random", "quasi-random"])
def test_workers_that_begin_together_begin_apart(sampler):
    _, found = proposed(sampler, SPACE, 8, at_once=6)
    assert len({str(params) for params in found}) == 8


@pytest.mark.parametrize("sampler", ["tpe", "quasi-random"])
@pytest.mark.parametrize("seed", range(8))
def test_no_trial_is_proposed_again_when_an_earlier_one_of_another_shape_ends(sampler, seed):
    config = make_study(space=CONDITIONAL, sampler=sampler, seed=seed)
    record = SearchRecord(secrets.token_hex(8), config.name, config, {}, 0.0, None)
    proposals = Proposals(record, Knowledge())
    slow = [proposals.ask(number) for number in range(3)]
    found = [*slow]
    for number in range(3, START_TRIALS + 1):
        found.append(proposals.ask(number))
        proposals.tell(number, TrialState.PRUNED, None)
        if number % 3 == 2:  # one of those that began first
            proposals.tell(2 - number // 4, TrialState.COMPLETE, [float(number), 1.0])
    assert len({str(params) for params in found}) == START_TRIALS + 1


def told(values):
    """Returns an Optuna study of two objectives whose trials have ended with some values."""
    study = optuna.create_study(directions=["minimize", "maximize"])
    for index, pair in enumerate(values):
        params = {"beta": index / len(values), "dropout": 0.5}
        distributions = dict.fromkeys(params, FloatDistribution(0, 1))
        state = optuna.trial.TrialState.COMPLETE if pair else optuna.trial.TrialState.PRUNED
        made = {"params": params, "distributions": distributions, "state": state}
        study.add_trial(optuna.trial.create_trial(values=pair, **made))
    return study


@final
class GPStandIn(optuna.samplers.RandomSampler):
    """In the place of the Gaussian process, which needs torch."""

    def __init__(self, seed, warp):
        super().__init__(seed=seed)


WORSE = [(float(index), -float(index)) for index in range(START_TRIALS, 0, -1)]
FRUITLESS = [(5.0, -5.0)] * portfolio.GP_PATIENCE


@pytest.mark.parametrize(
    ("values", "proposing"),
    [
        (WORSE[1:], ["QuasiRandom"]),
        (WORSE, ["GPStandIn"]),
        ([*WORSE, *FRUITLESS[1:]], ["GPStandIn"]),
        ([*WORSE, *FRUITLESS], ["Mutation", "TPESampler"]),
        ([*WORSE, *[(1.0, -1.0)] * len(FRUITLESS)], ["Mutation", "TPESampler"]),  # only repeated
        ([*WORSE, *FRUITLESS, FRUITLESS[0]], ["GPStandIn"]),
        ([*WORSE, *FRUITLESS, (0.0, 0.0)], ["GPStandIn"]),
        ([*WORSE[1:], None, None], ["TPESampler"]),  # too few that were not stopped
        ([(9.0, -9.0)] * portfolio.GP_TRIALS + WORSE, ["TPESampler"]),
    ],
)
def test_the_process_goes_on_while_it_reaches_the_front(values, proposing, monkeypatch):
    monkeypatch.setattr(portfolio, "WarpedGP", GPStandIn)
    study = told(values)
    found = set()
    for number in range(len(values), len(values) + 8):
        study.sampler = make_sampler("gp+tpe", 0, number)
        study.sampler.infer_relative_search_space(study, frozen(number))
        found.add(type(study.sampler._chosen).__name__)
    assert sorted(found) == sorted(proposing)


def frozen(number):
    """Returns a trial of a number, as a sampler sees it."""
    trial = optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING)
    trial.number = number
    return trial


def test_a_mutation_changes_one_parameter_of_a_trial_on_the_front():
    study = told([(3.0, 3.0), (1.0, 1.0), (2.0, 0.0)])
    for seed in range(20):
        study.sampler = Mutation(seed)
        trial = study.ask()
        params = {name: trial.suggest_float(name, 0, 1) for name in ("beta", "dropout")}
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        same = [
            sum(params[name] == parent.params[name] for name in params) == 1
            for parent in study.trials[:2]
        ]
        assert any(same)
