"""Search spaces: what is proposed, and the names under which a sampler sees it."""

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import StudyConfigError
from search.grid import corner_points, grid_points, is_finite, shuffled_grid
from search.space import Categorical, Float, Int, flat_items, ordered, suggest_params

FIXED = {"backbone": "dense"}


@st.composite
def parameters(draw, **about):
    """A parameter of any type, with or without a step or a logarithm."""
    kind = draw(st.sampled_from(["float", "int", "categorical"]))
    if kind == "categorical":
        values = draw(st.lists(st.sampled_from(["a", "b", None, 7, 2.5]), min_size=2, unique=True))
        return Categorical(choices=tuple(values), **about)
    low, width = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    style = draw(st.sampled_from([{}, {"log": True}, {"step": 1 if kind == "int" else 0.1}]))
    build = Float if kind == "float" else Int
    scale = 0.1 if kind == "float" else 1
    return build(low=round(low * scale, 1), high=round((low + width) * scale, 1), **style, **about)


@st.composite
def spaces(draw):
    """A space with plain, conditional and list parameters, those they depend on after them."""
    return {
        "list": draw(parameters(length="count", when={"switch": ("on",)})),
        "pair": draw(parameters(length=2)),
        "deep": draw(parameters(when={"count": (2, 3), "backbone": ("dense",)})),
        "plain": draw(parameters()),
        "count": Int(low=0, high=3, when={"switch": ("on",)}),
        "switch": Categorical(choices=("on", "off")),
    }


class Known:
    """Proposes what is known already."""

    def __init__(self, flat):
        self._flat = flat

    def suggest_float(self, name, *_, **__):
        return self._flat[name]

    suggest_int = suggest_categorical = suggest_float


def propose(space, seed, fixed=None):
    """Returns what Optuna draws at random from a space."""
    sampler = optuna.samplers.RandomSampler(seed=seed)
    trial = optuna.create_study(sampler=sampler).ask()
    return suggest_params(space, FIXED if fixed is None else fixed, trial), trial.params


optuna.logging.set_verbosity(optuna.logging.ERROR)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(spaces(), st.integers(0, 1000))
def test_what_is_proposed_comes_back_under_the_samplers_names(space, seed):
    params, seen = propose(space, seed)
    flat = flat_items(space, FIXED, params)
    assert flat == seen
    assert suggest_params(space, FIXED, Known(flat)) == params
    assert ("count" in params) == ("list" in params) == (params["switch"] == "on")
    assert len(params.get("list", [])) == params.get("count", 0)
    assert ("deep" in params) == (params.get("count", 0) >= 2)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(spaces())
def test_every_grid_point_and_corner_lies_in_the_space(space):
    plain = {name: p for name, p in space.items() if name not in ("list", "pair")}
    for point in corner_points(space, FIXED):
        flat_items(space, FIXED, point)
    if is_finite(plain):
        points = list(grid_points(plain, FIXED))
        assert len({tuple(sorted(p.items(), key=str)) for p in points}) == len(points)
        for point in points:
            flat_items(plain, FIXED, point)


@pytest.mark.parametrize(
    ("low", "high", "step", "values"),
    [
        (0.0, 0.3, 0.1, [0.0, 0.1, 0.2, 0.3]),
        (0.0, 0.35, 0.1, [0.0, 0.1, 0.2, 0.3]),
        (0.5, 2.0, 0.5, [0.5, 1.0, 1.5, 2.0]),
    ],
)
def test_the_grid_of_a_float_is_what_one_would_write(low, high, step, values):
    parameter = Float(low=low, high=high, step=step)
    assert list(parameter.grid()) == values
    assert all(parameter.contains(value) for value in values)
    assert not parameter.contains(low + step / 2)


def test_a_grid_holds_every_point_once():
    space = {
        "n": Int(low=1, high=2),
        "widths": Int(low=8, high=16, step=8, length="n"),
        "bn": Categorical(choices=(True, False), when={"n": (2,)}),
    }
    points = list(grid_points(space, {}))
    assert len(points) == 2 + 4 * 2
    assert {"n": 1, "widths": [16]} in points
    assert {"n": 2, "widths": [16, 8], "bn": False} in points
    shuffled = shuffled_grid(space, {}, seed=3)
    assert shuffled != points
    assert sorted(map(str, shuffled)) == sorted(map(str, points))


def test_the_grid_refuses_what_has_no_end():
    with pytest.raises(
        StudyConfigError, match=r"finitely many values of `beta`\. Give it a `step`"
    ):
        next(grid_points({"beta": Float(low=0.1, high=1.0)}, {}))
    wide = {name: Int(low=1, high=10**9) for name in ("a", "b")}
    with pytest.raises(
        StudyConfigError, match=r"more than 50 points\. Use larger steps or another"
    ):
        list(grid_points(wide, {}, limit=50))


def test_corners_are_the_smallest_and_the_largest():
    space = {"n": Int(low=1, high=3), "kind": Categorical(choices=("a", "b"))}
    expected = [{"n": n, "kind": kind} for n in (1, 3) for kind in ("a", "b")]
    assert list(corner_points(space, {})) == expected


@pytest.mark.parametrize(
    ("build", "about", "message"),
    [
        (Float, {"low": 1.0, "high": 1.0}, "Expected finite `low` < `high`.*under `fixed`"),
        (Float, {"low": 0.0, "high": float("inf")}, "Expected finite `low` < `high`"),
        (Float, {"low": float("nan"), "high": 1.0}, "Expected finite `low` < `high`"),
        (Float, {"low": 0.0, "high": 1.0, "log": True}, "Expected `low` > 0 with `log: true`"),
        (Float, {"low": 1.0, "high": 2.0, "log": True, "step": 0.1}, "no `step` with `log: true`"),
        (Int, {"low": 3, "high": 2}, "Expected `low` < `high`.*under `fixed`"),
        (Int, {"low": 0, "high": 2, "log": True}, "`low` >= 1 with `log: true`"),
        (Int, {"low": 0, "high": 2, "step": 0}, "Expected `step` > 0.*step=0"),
        (Categorical, {"choices": ("a",)}, "at least 2 distinct choices"),
        (Categorical, {"choices": ("a", "b", "a")}, "at least 2 distinct choices"),
        (Categorical, {"choices": (1, True)}, "at least 2 distinct choices"),
    ],
)
def test_an_impossible_parameter_is_refused(build, about, message):
    with pytest.raises(StudyConfigError, match=message):
        build(**about)


@pytest.mark.parametrize(
    ("parameter", "value", "legal"),
    [
        (Int(low=2, high=8, step=3), 5, True),
        (Int(low=2, high=8, step=3), 4, False),
        (Int(low=0, high=8), True, False),
        (Int(low=0, high=8), 3.0, False),
        (Float(low=0.0, high=1.0), 1, True),
        (Float(low=0.0, high=1.0), float("nan"), False),
        (Float(low=0.0, high=1.0), False, False),
        (Float(low=0.0, high=1.0), None, False),
        (Categorical(choices=(1, 2)), True, False),
        (Categorical(choices=("a", None)), None, True),
    ],
)
def test_a_value_is_legal_or_not(parameter, value, legal):
    assert parameter.contains(value) is legal


def test_what_a_parameter_needs_comes_before_it():
    space = {"c": Int(low=1, high=2, when={"b": (1,)}), "b": Int(low=1, high=2, length="a")}
    space["a"] = Int(low=1, high=2)
    assert ordered(space, {}) == ["a", "b", "c"]
    with pytest.raises(StudyConfigError, match=r"depend on each other: b -> c -> b\. Drop one"):
        ordered({"b": Int(low=1, high=2, when={"c": (1,)}), "c": space["c"]}, {})
