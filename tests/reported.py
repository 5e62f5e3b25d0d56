"""Searches for a report to tell of, and the page as a browser would see it."""

import csv
import html.parser
from pathlib import Path

from search.study.database import open_database
from search.study.reader import StudyReader
from search.study.searches import create_search
from search.trial import Measurement, TrialState
from search.workspace import Workspace
from tests.contracts.study_driver import Driver
from tests.search.examples import make_study

HOSTILE = "</script><script>alert('x')</script>\"'<img src=x onerror=alert(1)> 🦊 $\\frac$"
LONG = "w" * 6000
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class Parsed(html.parser.HTMLParser):
    """Elements and text of a page, as a browser would see them."""

    def __init__(self, page: str | Path):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._is_code = False
        self.feed(page if isinstance(page, str) else page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._is_code = tag in ("script", "style")

    def handle_endtag(self, tag):
        self._is_code = False

    def handle_data(self, data):
        self.text += "" if self._is_code else data


def make(folder: Path, trials, **changes) -> StudyReader:
    """Makes a search of trials: metrics of each epoch, how it ended, and why."""
    workspace = Workspace.at(folder)
    workspace.make()
    engine = open_database(workspace.study_url)
    create_search(engine, make_study(**changes), {"data": "d", "code": "c"})
    driver = Driver(workspace.study_url, "tiny")
    for metrics, state, reason in trials:
        trial = driver.writer.new_trial()
        attempt = driver.writer.start_attempt(trial)
        rows = [Measurement(e, m, float(e), attempt) for e, m in enumerate(metrics, start=1)]
        driver.writer.record(trial.number, attempt, rows)
        if state is not TrialState.RUNNING:
            driver.writer.finish(trial.number, attempt, state, reason)
    driver.lease.release()
    driver.close()
    return StudyReader(engine, "tiny")


def two(*pairs):
    return [{"fid": fid, "tvd": tvd} for fid, tvd in pairs]


def rows_of(path: Path):
    csv.field_size_limit(10**6)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
