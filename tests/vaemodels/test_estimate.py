import math

import numpy as np
import pytest

from vaemodels.metrics.estimate import Estimate


def test_a_mean_has_the_standard_error_of_the_textbook():
    estimate = Estimate.of_mean(np.array([1.0, 2.0, 3.0, 6.0]))
    assert float(estimate) == estimate.value == 3.0
    assert estimate.standard_error == pytest.approx(math.sqrt(14 / 3 / 4))
    assert (estimate.num_samples, estimate.bias) == (4, 0.0)


def test_hits_and_misses_have_the_binomial_standard_error():
    estimate = Estimate.of_mean(np.arange(1000) < 300)
    assert estimate.value == 0.3
    assert estimate.standard_error == pytest.approx(math.sqrt(0.3 * 0.7 / 1000), rel=1e-3)


def test_one_value_has_no_standard_error():
    assert Estimate.of_mean(np.array([2.0])) == Estimate(2.0, None, 1, bias=0.0)


@pytest.mark.parametrize("values", [np.zeros(0), np.zeros((2, 2))])
def test_refuses_what_is_not_a_list_of_values(values):
    with pytest.raises(ValueError, match=r"Invalid shape for `values`.*num_samples >= 1"):
        Estimate.of_mean(values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("value", math.nan),
        ("standard_error", -1.0),
        ("standard_error", math.inf),
        ("num_samples", 0),
        ("bias", math.nan),
    ],
)
def test_refuses_fields_out_of_range(name, value):
    fields = {"value": 1.0, "standard_error": 1.0, "num_samples": 2, "bias": 0.0} | {name: value}
    with pytest.raises(ValueError, match=f"Invalid value for `{name}`"):
        Estimate(**fields)
