"""`pareto` and `status --watch`, in this process: the front as a table, text, CSV and pictures."""

import csv
import io
import json
from pathlib import Path

import pytest

from search.candidates import candidates
from search.report.scatter import scatter
from search.report.summary import summarize
from search.study.database import open_database
from search.study.reader import StudyReader
from tests.commands import Commands, make_search


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return make_search(tmp_path_factory.mktemp("looked-at") / "ws")


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture
def look(command, workspace, monkeypatch):
    """Runs commands on the small search."""
    monkeypatch.setenv("VAESEARCH_WORKSPACE", str(workspace.folder))
    return command


def test_pareto_shows_the_front_alone(look):
    shown = look("pareto", "tiny").out
    assert "1@1" in shown
    assert "0@1" in shown
    assert "2@1" not in shown.split("Hypervolume")[0]
    found = json.loads(look("pareto", "tiny", "--json").out)
    assert [(member["trial"], member["values"]["fid"]) for member in found["front"]] == [
        (1, 4.0),
        (0, 9.0),
    ]


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_pareto_draws_the_front(look, suffix, start):
    shown = look("pareto", "tiny", "--plot", f"front.{suffix}")
    assert f"Wrote front.{suffix}." in shown.out
    assert Path(f"front.{suffix}").read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("file", "said"), [("front.txt", ".png, .svg, .pdf"), ("no/front.png", "no folder no")]
)
@pytest.mark.parametrize("option", ["--plot", "--samples"])
def test_a_picture_that_cannot_be_written_is_refused_first(look, option, file, said):
    assert said in look("pareto", "tiny", "--plot", "good.png", option, file).error
    assert list(Path().iterdir()) == []


def test_pareto_fits_80_columns_with_a_front_in_characters(look, monkeypatch):
    from search.cli.app import console

    monkeypatch.setattr(console, "_width", 80)
    shown = look("pareto", "tiny").out
    assert max(map(len, shown.splitlines())) <= 80
    plot = shown.partition("   TVD\n")[2].splitlines()
    assert plot[0].startswith("0.6000 |")
    drawn = "".join(line.partition("|")[2] for line in plot[:14])
    assert sorted(drawn.replace(" ", "")) == [".", "K", "O"]
    assert plot[13].rstrip().endswith("K")  # 0@1: the least TVD, the most FID
    assert plot[-1].strip() == "O front, K its knee, . other candidates"


def test_values_over_magnitudes_are_drawn_on_a_logarithmic_axis(tmp_path):
    workspace = make_search(tmp_path / "ws", figures=[(1.0, 0.2), (10.0, 0.3), (100.0, 0.1)])
    reader = StudyReader(open_database(workspace.study_url), "tiny")
    record, trials = reader.record(), reader.trials()
    text = scatter(summarize(record, trials, {}), candidates(record.config, trials))
    assert "logarithmic: FID" in text
    top = next(line for line in text.splitlines() if line.startswith("0.3000"))
    assert abs(top.index(".", 8) - 8 - 58 / 2) <= 1  # 10 is in the middle of 1 and 100


def test_one_objective_has_no_scatter(tmp_path):
    workspace = make_search(tmp_path / "ws", objectives={"fid": "minimize"})
    reader = StudyReader(open_database(workspace.study_url), "tiny")
    record, trials = reader.record(), reader.trials()
    assert scatter(summarize(record, trials, {}), candidates(record.config, trials)) == ""


def test_csv_is_the_front_and_nothing_else(look):
    rows = list(csv.DictReader(io.StringIO(look("pareto", "tiny", "--csv").out)))
    assert [(row["candidate"], float(row["fid"]), float(row["tvd"])) for row in rows] == [
        ("1@1", 4.0, 0.3),
        ("0@1", 9.0, 0.2),
    ]
    assert "params.beta" in rows[0]


@pytest.mark.parametrize("other", [["--json"], ["--plot", "front.png"]])
def test_csv_and_something_else_is_refused(look, other):
    assert (
        "--csv prints the table and nothing else" in look("pareto", "tiny", "--csv", *other).error
    )


def test_watching_a_search_ends_with_it(look):
    shown = look("status", "tiny", "--watch")
    assert shown.status == 0


def test_watching_is_no_json(look):
    assert look("status", "tiny", "--watch", "--json").status == 2
