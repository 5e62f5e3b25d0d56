"""The page of a report, opened from the disk in a real browser and used with a real mouse."""

import math
import os

import pytest

from search.report.material import gather
from search.report.report import write_report
from search.trial import TrialState
from tests.browser import CHROMIUM, Browser
from tests.reported import make

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None and "CI" not in os.environ,
        reason="no chromium; install it to see the page tested",
    ),
]

OBJECTIVES = {"fid": "minimize", "tvd": "minimize", "elbo": "maximize"}
NUM_TRIALS = 30
DRAWN = "document.querySelectorAll('#front-figure .scatterlayer .points path').length"
HOVER = "document.querySelector('#front-figure .hoverlayer').textContent"
# Where the middle of the last element of a selector is, after it was scrolled to.
MIDDLE = """(() => {{
  const found = [...document.querySelectorAll({0!r})].pop();
  found.scrollIntoView({{block: 'center'}});
  const box = found.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
}})()"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A report of a search with three objectives, of two epochs each."""
    folder = tmp_path_factory.mktemp("reported")
    trials = []
    for i in range(NUM_TRIALS):
        fid, tvd = 50.0 * math.exp(-i / 9), 0.1 + 0.02 * i
        late = {"fid": fid, "tvd": tvd, "elbo": -90.0 - i % 7}
        early = {"fid": 2 * fid + 1, "tvd": 0.9, "elbo": -140.0}
        trials.append(([early, late], TrialState.COMPLETE, None))
    study = {"objectives": OBJECTIVES, "budget": {"trials": NUM_TRIALS, "epochs": 2}}
    reader = make(folder / "ws", trials, **study)
    return write_report(gather(reader, str(folder)), folder / "out").page.as_uri()


@pytest.fixture
def browser(address):
    """The page in a window; in the end it must have loaded nothing else and found no fault."""
    with Browser() as browser:
        browser.open(address)
        browser.wait_for(f"{DRAWN} > {2 * NUM_TRIALS}")
        yield browser
        assert browser.errors == []
        assert {request.partition("#")[0] for request in browser.requests} == {address}


def test_pointing_at_a_candidate_shows_what_it_is(browser):
    assert browser.evaluate(HOVER) == ""
    browser.move(*browser.evaluate(MIDDLE.format("#front-figure .scatterlayer .points path")))
    shown = browser.wait_for(HOVER)
    assert "@2 front" in shown
    for word in ("FID", "TVD", "elbo", "latent_dim=", "beta="):
        assert word in shown


def test_the_slider_goes_back_in_time(browser):
    before = browser.evaluate(DRAWN)
    grip = "#front-figure .slider-grip-rect"
    right, height = browser.evaluate(MIDDLE.format(grip))
    rail = "document.querySelector('#front-figure .slider-rail-rect').getBoundingClientRect()"
    left = browser.evaluate(f"{rail}.left")
    browser.drag((right, height), (left, height))
    browser.wait_for(f"{DRAWN} < 8")  # the first trial's two points, and its front
    browser.drag((left, height), (right, height))
    browser.wait_for(f"{DRAWN} == {before}")
    browser.click((left + right) / 2, height)
    browser.wait_for(f"{DRAWN} < {before}")


def test_a_menu_chooses_the_objectives(browser):
    title = "document.querySelector('#front-figure .ytitle').textContent"
    assert "TVD" in browser.evaluate(title)
    browser.click(*browser.evaluate(MIDDLE.format("#front-figure .updatemenu-header")))
    button = "#front-figure .updatemenu-dropdown-button"
    browser.wait_for(f"document.querySelectorAll('{button}').length == 3")
    browser.click(*browser.evaluate(MIDDLE.format(button)))
    browser.wait_for(f"{title}.includes('elbo')")


def test_the_lines_of_trials_are_drawn(browser):
    axes = "document.querySelectorAll('#parallel-figure .axis-title').length"
    assert browser.wait_for(axes) == 2 + len(OBJECTIVES)


def test_nothing_goes_beyond_the_edge_of_a_phone(browser, address):
    browser.resize(390, 800, is_phone=True)
    browser.open(address)
    browser.wait_for(f"{DRAWN} > {2 * NUM_TRIALS}")
    assert browser.evaluate("innerWidth") == 390
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    assert browser.evaluate("document.body.scrollWidth") <= 390


def test_on_paper_the_still_pictures_stand_alone(browser):
    heights = (
        "(kind => [...document.querySelectorAll(kind)].map(each => each.offsetHeight)){0!r}"
    ).replace("{0!r}", "('{}')")
    assert min(browser.evaluate(heights.format(".plot"))) > 0
    browser.print_view()
    assert max(browser.evaluate(heights.format(".plot"))) == 0
    assert min(browser.evaluate(heights.format("img.figure"))) > 100
