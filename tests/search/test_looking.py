"""The Python API of looking: the same figures as the commands show."""

import json

import pytest

from search.errors import NotFoundError, SearchError
from search.looking import open_search
from tests.commands import make_search


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_search(tmp_path_factory.mktemp("looking") / "ws").folder


def test_tables_hold_what_the_search_measured(folder):
    search = open_search("tiny", folder)
    assert list(search.trials()["state"]) == ["complete"] * 3 + ["failed"]
    assert search.measurements()[["trial", "fid", "tvd"]].values.tolist() == [
        [0, 9.0, 0.2],
        [1, 4.0, 0.3],
        [2, 6.0, 0.6],
    ]
    assert list(search.front()["candidate"]) == [m.label for m in search.summary().front]
    assert list(search.front()["candidate"]) == ["1@1", "0@1"]


def test_figures_show_every_candidate(folder):
    figure = json.loads(open_search("tiny", str(folder)).front_figure().to_json())
    assert any("front" in trace.get("name", "") for trace in figure["data"])
    lines = json.loads(open_search("tiny", folder).parallel_figure().to_json())
    assert lines["data"][0]["type"] == "parcoords"


def test_what_there_is_not_is_named(folder, tmp_path):
    with pytest.raises(NotFoundError, match=r"no search `huge` here. Known: tiny"):
        open_search("huge", folder)
    with pytest.raises(SearchError, match="nowhere"):
        open_search("tiny", tmp_path / "nowhere")
    with pytest.raises(SearchError, match="confirm"):
        open_search("tiny", folder).confirmed()
