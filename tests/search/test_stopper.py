"""Ending a search early, without Ray."""

import threading

import pytest

from search.stopper import Ending, Stopper, watching
from search.study.database import open_database
from search.study.requests import Kind, post
from search.study.searches import create_search
from tests.contracts.study_driver import Driver
from tests.faults import expire
from tests.search.examples import make_study

DEADLINE_SECONDS = 30.0


@pytest.fixture
def driver(sqlite_url, request):
    engine = open_database(sqlite_url)
    create_search(engine, make_study(name=f"stop-{id(request):x}"), {})
    driver = Driver(sqlite_url, f"stop-{id(request):x}")
    yield driver
    driver.close()
    engine.dispose()


def ending_of(driver, cause, hours=None):
    """Returns why a watched search ends after `cause` was done to it."""
    stopper, ended = Stopper(), threading.Event()
    stopper.on_stop(ended.set)
    with watching(stopper, driver.writer, driver.engine, driver.reader.id, hours):
        cause()
        assert ended.wait(DEADLINE_SECONDS)
    return stopper.ending


def test_the_first_reason_stays_and_everyone_is_told_once():
    stopper, told = Stopper(), []
    stopper.on_stop(lambda: told.append("early"))
    stopper.stop(Ending.STOPPED)
    stopper.stop(Ending.OUT_OF_TIME)
    stopper.on_stop(lambda: told.append("late"))
    assert told == ["early", "late"]
    assert stopper.ending is Ending.STOPPED
    assert stopper.is_stopping()


def test_a_request_from_any_process_stops(driver):
    found = ending_of(driver, lambda: post(driver.engine, driver.reader.id, Kind.STOP))
    assert found is Ending.STOPPED


def test_the_end_of_the_hours_stops(driver):
    assert ending_of(driver, lambda: None, hours=-1.0) is Ending.OUT_OF_TIME


def test_a_takeover_stops_the_old_driver(driver, sqlite_url):
    def take_over():
        expire(driver.engine, driver.reader.id)
        heir = Driver(sqlite_url, driver.reader.record().name)
        post(heir.engine, heir.reader.id, Kind.STOP)  # taken by the old one, which cannot commit
        heir.close()

    assert ending_of(driver, take_over) is Ending.TAKEN_OVER
