"""A driver of a search, for whatever sits at its desk."""

import pytest

from search.study.database import open_database
from search.study.searches import create_search
from tests.contracts.study_driver import Driver
from tests.search.examples import make_study


@pytest.fixture
def driver(sqlite_url, request):
    """A driver of a search of its own."""
    engine = open_database(sqlite_url)
    changes = getattr(request, "param", {})
    name = f"desk-{id(request):x}"
    create_search(engine, make_study(name=name, **changes), {})
    driver = Driver(sqlite_url, name)
    yield driver
    driver.close()
    engine.dispose()
