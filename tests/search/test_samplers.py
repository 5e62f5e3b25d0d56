"""Samplers: what `auto` stands for, and that every proposal lies in the space."""

import importlib.util
import secrets

import pytest

from search.errors import StudyConfigError
from search.samplers import choose_sampler
from search.space import flat_items
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
def test_auto_chooses_by_the_space_and_the_budget(space, trials, name):
    config = make_study(space=space, sampler="auto", budget={"trials": trials, "epochs": 1})
    assert choose_sampler(config) == name


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


def proposed(url, sampler, space, count, seed=0, at_once=1):
    """Returns what a sampler proposes, `at_once` before the first of them is told."""
    config = make_study(space=space, sampler=sampler, seed=seed)
    record = SearchRecord(secrets.token_hex(8), config.name, config, {}, 0.0, None)
    proposals = Proposals(url, record)
    found = []
    for number in range(count):
        found.append(proposals.ask(number))
        told = number - at_once + 1
        if told >= 0:
            fid = float(found[told]["latent_dim"])
            state = TrialState.FAILED if fid == 3 else TrialState.COMPLETE
            proposals.tell(told, state, [fid, 1 / fid])
    proposals.engine.dispose()
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
def test_proposals_lie_in_the_space_and_repeat_with_the_seed(sqlite_url, sampler, space):
    config, found = proposed(sqlite_url, sampler, space, 14)
    for params in found:
        flat_items(config.parameters, config.fixed, params)
    assert len({str(params) for params in found}) == 14
    assert proposed(sqlite_url, sampler, space, 14)[1] == found
    assert proposed(sqlite_url, sampler, space, 14, seed=1)[1] != found


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random", "quasi-random"])
def test_workers_that_begin_together_begin_apart(sqlite_url, sampler):
    _, found = proposed(sqlite_url, sampler, SPACE, 8, at_once=6)
    assert len({str(params) for params in found}) == 8
