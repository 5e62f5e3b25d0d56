"""MLflow's pages over a search, in a real browser: runs, the filter, charts, pictures."""

import io
import os
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from search.study.projections import SEARCH_ITSELF
from search.tracking.server import serving
from search.trial import TrialState
from search.workspace import Workspace
from tests.browser import CHROMIUM, Browser, kept
from tests.search.tracking.mlflow_server import free_port
from tests.search.tracking.mlflow_study import driving, make_config, runs_of

pytestmark = pytest.mark.slow

WIDTH = 64  # of the picture; no icon of MLflow's is as wide
VERMILLION = (213, 94, 0)  # the front's colour
PLACE = """(box => box && [box.x + box.width / 2, box.y + box.height / 2])
    (document.querySelector('.ag-cell-value button')?.getBoundingClientRect())"""
SECOND = "new Promise(done => setTimeout(() => done(true), 1000))"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[int, str]]]:
    """The address of the runs' page, and run ids by trial; 0 and 1 are the front, 2 is beaten."""
    if CHROMIUM is None:
        assert "CI" not in os.environ, "no chromium: CI must install one"
        pytest.skip("no chromium; install it to see the pages tested")
    workspace = Workspace.at(tmp_path_factory.mktemp("shown") / "workspace")
    workspace.make()
    picture = io.BytesIO()
    Image.new("L", (WIDTH, WIDTH), 128).save(picture, "PNG")
    with driving(workspace, make_config(None)) as driver:
        driver.writer.prepare({"ceiling": {"fid": 100.0, "tvd": 1.0}})
        for fid in (53.0, 43.0, 54.0):
            trial, attempt = driver.begin()
            driver.store.save(trial, attempt, (3, 0), {"samples.png": picture.getvalue()}, {})
            driver.train(trial, attempt, range(1, 4), fid)
            driver.writer.finish(trial, attempt, TrialState.COMPLETE)
        mirror = driver.mirror()
        mirror.flush(is_last=True)
        mirror.show(is_last=True)
        runs = {number: run.info.run_id for number, run in runs_of(driver).items()}
    with serving(workspace.folder / "mlflow.db", workspace.artifacts, free_port()) as server:
        yield server.url, runs


@pytest.fixture
def browser(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Browser]:
    with Browser(1500, 1000) as browser:
        yield browser
        browser.screenshot(kept(tmp_path) / f"{request.node.name}.png")


def shows(browser: Browser, text: str) -> None:
    browser.wait_for(f"document.body.innerText.includes({text!r})", 60)


def test_a_search_is_one_row_that_unfolds_into_its_trials(pages, browser):
    browser.open(pages[0])
    shows(browser, "4 matching runs")
    assert "trial-00000" not in browser.evaluate("document.body.innerText")
    # The page moves while it is being put together: the place is still only after a while.
    place, before = browser.wait_for(PLACE), None
    while place != before:
        browser.wait_for(SECOND)
        place, before = browser.wait_for(PLACE), place
    browser.click(*place)
    shows(browser, "trial-00000")


def test_the_filter_finds_the_front(pages, browser):
    filtered = urllib.parse.quote('tags."front.on_front" = "true"')
    browser.open(f"{pages[0]}&searchFilter={filtered}")
    shows(browser, "3 matching runs")  # two trials, and the search that they belong to


def test_the_search_has_charts_of_its_progress(pages, browser):
    address, runs = pages
    browser.open(f"{address.partition('/runs')[0]}/runs/{runs[SEARCH_ITSELF]}/model-metrics")
    for name in ("hypervolume", "best_fid", "best_tvd", "num_complete"):
        shows(browser, name)


def test_its_page_is_drawn_where_mlflow_shows_it(pages, browser, tmp_path):
    address, runs = pages
    browser.resize(1500, 4000)  # so that the figures need no scrolling
    own = runs[SEARCH_ITSELF]
    browser.open(f"{address.partition('/runs')[0]}/runs/{own}/artifacts/report.html")
    browser.wait_for("document.querySelector('iframe')?.src.startsWith('blob:')", 60)
    deadline = 60
    while not has_colour(browser, tmp_path / "shot.png"):
        deadline -= 1
        assert deadline, "the front is not drawn"
        browser.wait_for(SECOND)


def test_a_trials_pictures_are_shown(pages, browser):
    address, runs = pages
    browser.open(f"{address.partition('/runs')[0]}/runs/{runs[0]}/artifacts/samples.png")
    widths = "[...document.images].map(image => image.naturalWidth)"
    canvas = "[...document.querySelectorAll('canvas')].map(one => one.width)"
    browser.wait_for(f"[...{widths}, ...{canvas}].includes({WIDTH})", 60)


def has_colour(browser: Browser, path: Path) -> bool:
    """Returns whether the page shows a good deal of the front's colour."""
    browser.screenshot(path)
    colours = Image.open(path).convert("RGB").getcolors(2**24) or []
    return sum(count for count, colour in colours if colour == VERMILLION) > 50
