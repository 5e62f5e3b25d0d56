import numpy as np
import pytest

from vaemodels.metrics.collapse import collapse_report

RNG = np.random.default_rng(0)
IMAGES = RNG.random((50, 4, 4, 1), dtype=np.float32)
CODES = RNG.normal(size=(50, 3))
VARIANCE = IMAGES.var(axis=0, dtype=np.float64).sum()


def errors(ratio):
    """Errors of reconstructions that leave this share of the pixels' variance."""
    return np.full(50, ratio * VARIANCE)


def errors_of(reconstructions):
    return ((IMAGES - reconstructions) ** 2).sum(axis=(1, 2, 3))


def test_a_healthy_model_raises_no_alarm():
    report = collapse_report(CODES, errors(0.3), IMAGES, kl_by_dimension=np.array([2.0, 1.0, 0.0]))
    assert report.alarms == ()
    assert report.active_units == 3
    assert report.reconstruction_ratio == pytest.approx(0.3)
    assert report.spread == pytest.approx(CODES.std(axis=0))
    assert report.max_spread == report.spread.max()


def test_the_mean_image_has_a_ratio_of_one():
    report = collapse_report(CODES, errors_of(IMAGES.mean(axis=0)), IMAGES)
    assert report.reconstruction_ratio == pytest.approx(1.0, rel=1e-5)
    (alarm,) = report.alarms
    assert "no better than the mean image" in alarm
    assert "100%" in alarm


def test_one_code_for_all_images_raises_every_alarm():
    codes = np.full((50, 3), 1.7, np.float32)
    report = collapse_report(codes, errors(1.01), IMAGES, kl_by_dimension=np.zeros(3))
    ignored, useless, inactive = report.alarms
    assert "posterior ignores the image" in ignored
    assert "mean image" in useless
    assert "All latents are inactive" in inactive
    assert report.active_units == 0


@pytest.mark.parametrize(("spread", "ignored"), [(0.0009, True), (0.0011, False)])
def test_the_smallest_spread_that_counts(spread, ignored):
    codes = spread * np.tile([[1.0], [-1.0]], (25, 1))
    report = collapse_report(codes, errors(0.5), IMAGES)
    assert any("ignores" in alarm for alarm in report.alarms) is ignored


@pytest.mark.parametrize(("ratio", "useless"), [(0.949, False), (0.951, True)])
def test_the_ratio_from_which_reconstructions_are_useless(ratio, useless):
    report = collapse_report(CODES, errors(ratio), IMAGES)
    assert bool(report.alarms) is useless


@pytest.mark.parametrize(
    ("kl", "ratio", "inactive"),
    [
        (np.full(3, 0.002), 0.3, True),
        (np.array([0.0, 0.0, 3.0]), 0.99, False),
        (None, 0.99, True),
        (None, 0.3, False),  # shares of a stick vary little and still tell the images apart
    ],
)
def test_small_codes_are_inactive_unless_something_contradicts_it(kl, ratio, inactive):
    report = collapse_report(0.05 * CODES, errors(ratio), IMAGES, kl_by_dimension=kl)
    assert report.active_units == 0
    assert any("inactive" in alarm for alarm in report.alarms) is inactive


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codes": CODES[:1]}, r"Invalid shape for `codes`.*num_images >= 2"),
        ({"codes": CODES * np.nan}, "`codes` has NaN.*did training diverge"),
        ({"codes": CODES[:9]}, r"Invalid shape for `images`.*9\. Received: 50"),
        ({"images": np.full((50, 4, 4, 1), 0.3)}, "Expected images that differ"),
        ({"images": 255 * IMAGES}, r"Expected floats in \[0, 1\]"),
        ({"reconstruction_errors": errors(1.0)[:9]}, r"`reconstruction_errors`.*\(50,\).*\(9,\)"),
        ({"reconstruction_errors": -errors(1.0)}, "`reconstruction_errors` has NaN.*or negative"),
        ({"reconstruction_errors": errors(np.nan)}, "`reconstruction_errors` has NaN"),
        ({"kl_by_dimension": np.zeros(2)}, r"`kl_by_dimension`.*\(3,\)\. Received: \(2,\)"),
        ({"kl_by_dimension": np.full(3, np.inf)}, "`kl_by_dimension` has NaN, infinite"),
    ],
)
def test_refuses_what_does_not_fit(changes, message):
    arguments = {"codes": CODES, "reconstruction_errors": errors(0.3), "images": IMAGES}
    with pytest.raises(ValueError, match=message):
        collapse_report(**(arguments | changes))
