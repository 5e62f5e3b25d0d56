"""How steadily a metric falls, on the figures of the thesis that asked."""

import math

import pytest

from vaemodels.analysis.consistency import analyze_quality, consistency, consistent_metrics

# Two dense models of 9 and 7 layers, measured five times in 5,000 steps.
NINE = {
    "fid": (297.75, 228.41, 191.00, 176.64, 165.37),
    "tvd": (0.3103, 0.1178, 0.0974, 0.0959, 0.0940),
}
SEVEN = {
    "fid": (289.67, 252.12, 217.16, 199.80, 188.28),
    "tvd": (0.2666, 0.1774, 0.1232, 0.0973, 0.1035),
}


def test_what_always_falls_is_consistent():
    for values in (NINE["fid"], NINE["tvd"], SEVEN["fid"]):
        found = consistency(values)
        assert (found.value, found.improved, found.num_epochs) == (1.0, 1.0, 5)
        assert found.is_consistent


def test_the_tvd_of_seven_layers_rises_in_the_end():
    found = consistency(SEVEN["tvd"])
    assert found.value == pytest.approx(0.9)  # Spearman: 1 - 6 * 2 / (5 * 24)
    assert found.improved == 0.75
    assert not found.is_consistent


def test_the_thesis_chooses_the_fid():
    assert consistent_metrics(NINE) == ("fid", "tvd")
    assert consistent_metrics(SEVEN) == ("fid",)
    assert consistent_metrics({"fid": (1.0, 2.0), "tvd": (3.0, 3.0)}) == ()


@pytest.mark.parametrize(
    ("values", "value", "improved"),
    [((1, 2, 3), -1.0, 0.0), ((5, 5, 5), 0.0, 0.0), ((2, 1), 1.0, 1.0), ((1, 3, 2, 0), 0.4, 2 / 3)],
)
def test_consistency_of_simple_curves(values, value, improved):
    found = consistency(values)
    assert found.value == pytest.approx(value)
    assert found.improved == pytest.approx(improved)


@pytest.mark.parametrize("values", [(), (1.0,), (1.0, math.nan), (math.inf, 1.0)])
def test_what_is_no_curve_is_refused(values):
    with pytest.raises(ValueError, match="at least 2 finite numbers"):
        consistency(values)


def test_the_picture_says_which_metric_to_trust(tmp_path):
    curve = [(1000 * i + 1000, SEVEN["fid"][i], SEVEN["tvd"][i]) for i in range(5)]
    result = analyze_quality(curve, tmp_path)
    assert result.caption == "Steady enough to choose models by: FID."
    assert (tmp_path / "quality_by_epoch.png").stat().st_size > 10_000
    assert result.series["epoch"] == [1000, 2000, 3000, 4000, 5000]
