"""Values on the command line, by themselves."""

import pytest
import typer

from search.cli.values import above_zero, check_new


@pytest.mark.parametrize("value", [None, 1e-9, 3.0])
def test_what_is_above_zero_passes(value):
    assert above_zero(value) == value


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_what_is_not_above_zero_is_refused(value):
    with pytest.raises(typer.BadParameter, match="expected a number above 0"):
        above_zero(value)


def test_a_name_that_was_given_is_refused():
    check_new("beta", {"latent_dim": 3}, "--widen")
    with pytest.raises(typer.BadParameter, match="`beta` is given twice"):
        check_new("beta", {"beta": 3}, "--widen")
