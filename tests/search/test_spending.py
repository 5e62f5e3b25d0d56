"""Where workers' time goes: added up, and shown so that nothing is missing."""

import pytest
from rich.console import Console

from search.assignment import Round
from search.report.spending import spending_table
from search.spending import Spending
from search.stopwatch import PARTS, Stopwatch


def text_of(spending):
    console = Console(width=100)
    with console.capture() as captured:
        console.print(spending_table(spending))
    return captured.get()


def test_parts_and_the_rest_are_all_the_time_that_workers_had():
    spending = Spending()
    spending.worker_seconds = 20.0
    spending.hear(Round([], seconds={"train": 6.0, "wait": 1.0}, counts={"attempts": 1}))
    spending.hear(Round([], "complete", seconds={"train": 3.0, "compile": 2.0}))
    parts = {part.name: part for part in spending.parts()}
    assert [*parts] == [*PARTS, "idle"]
    assert parts["train"].seconds == 9.0
    assert parts["idle"].seconds == 8.0
    assert sum(part.share for part in parts.values()) == pytest.approx(1.0)
    assert spending.to_json()["parts"]["compile"] == 2.0


def test_workers_that_are_slower_than_the_clock_have_no_share_above_one():
    spending = Spending()
    spending.worker_seconds = 1.0
    spending.hear(Round([], seconds={"train": 3.0}))
    assert [part.share for part in spending.parts() if part.seconds] == [1.0]


def test_nothing_spent_is_no_error():
    assert "Where 0 s of workers' time went" in text_of(Spending())


def test_the_table_says_what_the_driver_did_beside_the_workers():
    spending = Spending()
    spending.worker_seconds = 10.0
    spending.hear(Round([], seconds={"train": 5.0}, counts={"attempts": 3, "reused": 2}))
    spending.note("proposals", 3, 0.25)
    with spending.timing("study"):
        pass
    text = text_of(spending)
    assert "train    50.0%" in text
    assert "2 of 3 trainings found their model compiled" in text
    assert "0.2 s for 3 proposals of the sampler" in text
    assert spending.counts["study"] == 1


def test_a_stopwatch_gives_what_it_added_up_once():
    watch = Stopwatch()
    watch.add("train", 1.0)
    watch.add("train", 2.0)
    with watch.timing("save"):
        pass
    assert watch.taken()["train"] == 3.0
    assert watch.taken() == {}


def test_an_account_travels_with_a_report():
    report = Round([], "complete", seconds={"train": 1.5}, counts={"attempts": 1})
    assert Round.from_json(report.to_json()) == report
