"""The commands round a confirmed front: what they print, draw and refuse."""

import json
import math

import pytest

from search.study.confirmations import write_confirmations
from search.study.database import open_database
from search.study.lease import Lease
from search.study.reader import StudyReader
from search.workspace import Workspace
from tests.commands import Commands, make_search
from tests.confirming import CONFIRMED, row
from tests.search.examples import make_study


def record(workspace, rows, name="tiny"):
    reader = StudyReader(open_database(workspace.study_url), name)
    write_confirmations(reader, rows)
    reader.engine.dispose()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    workspace = make_search(tmp_path_factory.mktemp("confirmed") / "ws")
    record(workspace, CONFIRMED)
    return workspace


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture
def look(command, workspace, monkeypatch):
    """Runs commands on the confirmed search."""
    monkeypatch.setenv("VAESEARCH_WORKSPACE", str(workspace.folder))
    return command


@pytest.fixture
def fresh(command, tmp_path, monkeypatch):
    """Runs commands on a search of the test's own, that nobody confirmed."""
    workspace = make_search(tmp_path / "ws")
    monkeypatch.setenv("VAESEARCH_WORKSPACE", str(workspace.folder))
    return command, workspace


class TestPareto:
    def test_it_shows_means_errors_and_the_search_beside_them(self, look):
        lines = look("pareto", "tiny", "--confirmed").out.splitlines()
        assert lines[0].strip() == "Front of tiny, trained again"
        assert lines[1].split()[:7] == [
            "trial@epoch",
            "P(front)",
            "seeds",
            "FID",
            "search",
            "TVD",
            "search",
        ]
        first = " ".join(lines[2].split())
        assert first.startswith("1@1 1.00 3 6.00 +- 0.06 4.00 0.3400 +- 0.0012 0.3000")
        assert " ".join(lines[3].split()).startswith("0@1 choice 1.00 3 12.00 +- 0.06 9.00")

    def test_its_json_has_everything(self, look):
        shown = json.loads(look("pareto", "tiny", "--confirmed", "--json").out)
        first = shown["members"][0]
        assert (first["trial"], first["epoch"]) == (1, 1)
        assert first["probability"] == pytest.approx(1.0, abs=0.005)
        assert first["means"]["fid"] == pytest.approx(6.0)
        assert first["errors"]["fid"] == pytest.approx(0.1 / math.sqrt(3))
        assert first["searched"] == {"fid": 4.0, "tvd": 0.3}
        assert first["repeats"]["2"] == pytest.approx({"fid": 6.0, "tvd": 0.34})
        first_corner, second_corner = shown["bands"][0]["edges"]["50"]
        assert [*first_corner, *second_corner] == pytest.approx([6.0, 0.34, 12.0, 0.22])
        assert shown["flattery"]["fid"] == pytest.approx(math.sqrt(12 / 9 * 6 / 4))

    @pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
    def test_it_draws(self, look, tmp_path, suffix):
        path = tmp_path / f"front.{suffix}"
        assert f"Wrote {path}." in look("pareto", "tiny", "--confirmed", "--plot", path).out
        assert path.stat().st_size > 5_000

    def test_what_was_not_confirmed_is_refused_with_the_command(self, fresh):
        command, _ = fresh
        error = command("pareto", "tiny", "--confirmed").error
        assert error == (
            "`tiny` was not confirmed yet. `vaesearch confirm tiny` trains its front again."
        )

    def test_other_epochs_are_looked_at_by_themselves(self, fresh):
        command, workspace = fresh
        record(workspace, [row(1, 1, 7, 3.0, 0.2), row(1, 2, 7, 3.5, 0.25)])
        assert "confirmed at 7 epochs only" in command("pareto", "tiny", "--confirmed").error
        out = command("pareto", "tiny", "--confirmed", "--epochs", 7).out
        assert "1@7" in out
        assert "All were trained to 7 epochs, which are not the search's own" in out
        error = command("pareto", "tiny", "--confirmed", "--epochs", 8).error
        assert "Nothing of `tiny` was confirmed at 8 epochs" in error

    def test_options_that_do_not_go_together_are_refused(self, look, tmp_path):
        assert "say --confirmed as well" in look("pareto", "tiny", "--epochs", 7).error
        samples = ("--samples", tmp_path / "s.png")
        assert "has no samples" in look("pareto", "tiny", "--confirmed", *samples).error


class TestConfirm:
    def test_a_search_without_a_front_is_refused(self, command, tmp_path):
        from search.study.searches import create_search

        workspace = Workspace.at(tmp_path / "ws")
        workspace.make()
        engine = open_database(workspace.study_url)
        create_search(engine, make_study(name="empty"), {})
        engine.dispose()
        error = command("confirm", "empty", "--workspace", workspace.folder).error
        assert "`empty` has no front to confirm" in error
        assert "vaesearch resume empty" in error

    def test_a_search_that_runs_is_refused(self, fresh):
        command, workspace = fresh
        engine = open_database(workspace.study_url)
        reader = StudyReader(engine, "tiny")
        lease = Lease.take(engine, reader.id)
        assert "is run by process" in command("confirm", "tiny").error
        lease.release()

    def test_an_unknown_search_is_refused(self, look):
        assert "There is no search `other` here" in look("confirm", "other").error

    def test_a_whole_confirmation_is_shown_at_once(self, look):
        result = look("confirm", "tiny", "--seeds", 3)
        assert result.status == 0
        assert "nothing is left to train" in result.out
        assert "0@1 choice" in result.out
        assert "vaesearch export tiny 0@1 --out model" in result.out
        assert "vaesearch confirm tiny --seeds 8" in result.out

    def test_numbers_out_of_range_are_refused(self, look):
        assert look("confirm", "tiny", "--seeds", 0).status == 2
        assert look("confirm", "tiny", "--epochs", 0).status == 2


class TestImportance:
    def test_too_few_trials_are_refused(self, look):
        assert "takes 10" in look("importance", "tiny").error

    def test_it_shows_draws_and_prints_json(self, command, tmp_path, monkeypatch):
        figures = [(1.0 + k, 0.1 + 0.05 * (11 - k)) for k in range(12)]
        monkeypatch.setattr("search.importance._NUM_SHUFFLES", 20)
        workspace = make_search(tmp_path / "ws", figures=figures)
        place = ("--workspace", workspace.folder)
        out = command("importance", "tiny", *place, "--plot", tmp_path / "i.png").out
        assert "among the best 5 of 12 trials" in out
        assert "latent_dim" in out
        assert "From the best FID to the best TVD, along the front" in out
        assert "1 failed trials are left out" in out
        assert (tmp_path / "i.png").stat().st_size > 5_000
        shown = json.loads(command("importance", "tiny", *place, "--json").out)
        assert [item["objective"] for item in shown["importance"]] == ["fid", "tvd"]
        assert len(shown["trade_off"][0]["trials"]) == 12
