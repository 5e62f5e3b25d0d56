"""The commands round a confirmed front: what they print, draw and refuse."""

import dataclasses
import json
import math

import pytest

from search.report.confirm_progress import (
    ConfirmProgress,
    EndedRepeat,
    confirm_view,
    count_line,
    repeat_line,
)
from search.report.confirmed import confirmed_front
from search.report.confirmed_tables import confirmed_remarks, confirmed_table
from search.study.confirmations import write_confirmations
from search.study.database import open_database
from search.study.lease import Lease
from search.study.reader import StudyReader
from search.workspace import Workspace
from tests.commands import Commands, make_search
from tests.confirming import row
from tests.search.examples import make_record, make_study, make_trial

# Of the made search: 1@1 (FID 4, TVD 0.3) and 0@1 (FID 9, TVD 0.2) are its front.
ROWS = [
    *(row(0, k, 1, 11.8 + 0.1 * k, 0.216 + 0.002 * k) for k in (1, 2, 3)),
    *(row(1, k, 1, 5.8 + 0.1 * k, 0.336 + 0.002 * k) for k in (1, 2, 3)),
]


def record(workspace, rows, name="tiny"):
    reader = StudyReader(open_database(workspace.study_url), name)
    write_confirmations(reader, rows)
    reader.engine.dispose()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    workspace = make_search(tmp_path_factory.mktemp("confirmed") / "ws")
    record(workspace, ROWS)
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


class TestFront:
    """The data and the words of a confirmed front."""

    TRIALS = (make_trial(0, (9.0,), (0.2,)), make_trial(1, (4.0,), (0.3,)))

    def front(self, rows, trials=TRIALS, remeasured=None, **changes):
        config = make_study(**changes)
        return confirmed_front(make_record(config), trials, rows, remeasured or {})

    def test_failed_trainings_are_counted_and_said(self):
        rows = [*ROWS[:5], row(1, 3, 1, math.nan, math.nan)]
        front = self.front(rows)
        (member,) = [m for m in front.members if m.trial == 1]
        assert (member.num_repeats, member.num_failed) == (2, 1)
        assert "1 of trial 1" in "\n".join(confirmed_remarks(front))

    def test_one_whose_trainings_all_failed_is_last_without_figures(self):
        rows = [*ROWS[:3], *(row(1, k, 1, math.nan, 0.3) for k in (1, 2, 3))]
        last = self.front(rows).members[-1]
        assert (last.trial, last.probability, dict(last.means)) == (1, 0.0, {})

    def test_one_seed_has_neither_errors_nor_probabilities(self):
        front = self.front([ROWS[0], ROWS[3]])
        assert {m.probability for m in front.members} == {None}
        assert all(not m.errors for m in front.members)
        assert front.spread == {}
        text = "\n".join(confirmed_remarks(front))
        assert "errors and P(front) take two. `vaesearch confirm tiny --seeds 2` goes on." in text
        assert "take two" not in "\n".join(confirmed_remarks(self.front(ROWS)))

    def test_luck_is_told_from_other_images(self):
        remeasured = {(0, 1): {"fid": 9.9, "tvd": 0.2}, (1, 1): {"fid": 4.4, "tvd": 0.3}}
        front = self.front(ROWS, remeasured=remeasured)
        text = "\n".join(confirmed_remarks(front))
        assert "FID x1.41, TVD x1.12: who is the best of 2 candidates was also lucky." in text
        assert "The same weights on the test images and fresh draws: FID x1.10, TVD x1.00." in text

    def test_nobody_was_lucky_where_nothing_got_worse(self):
        rows = [row(0, k, 1, 8.0 + k / 10, 0.19) for k in (1, 2)]
        rows += [row(1, k, 1, 3.0 + k / 10, 0.29) for k in (1, 2)]
        assert "lucky" not in "\n".join(confirmed_remarks(self.front(rows)))

    def test_the_more_consistent_metric_is_named(self):
        trials = [make_trial(k, (4.0 + k,), (0.5 - 0.1 * k,)) for k in range(4)]
        order = [[0, 1, 2, 3], [3, 0, 2, 1], [1, 3, 0, 2], [2, 1, 3, 0]]
        rows = [
            row(t, k + 1, 1, 4.0 + t, 0.1 + 0.1 * place)
            for k, places in enumerate(order)
            for t, place in enumerate(places)
        ]
        front = self.front(rows, trials)
        assert front.agreement["fid"].w == pytest.approx(1.0)
        assert front.agreement["tvd"].w < 0.3
        text = "\n".join(confirmed_remarks(front))
        assert "FID is the most consistent. The order by TVD could be chance." in text

    def test_what_is_missing_is_said(self):
        text = "\n".join(confirmed_remarks(self.front(ROWS[:4])))
        assert "! Not all have 3 repeats yet: 1@1. `vaesearch confirm tiny --seeds 3`" in text

    @pytest.mark.parametrize("width", [80, 100, 140])
    def test_the_table_fits(self, width):
        from rich.console import Console

        console = Console(width=width)
        with console.capture() as capture:
            console.print(confirmed_table(self.front(ROWS)))
        lines = capture.get().splitlines()
        assert all(len(line) <= width for line in lines)
        assert lines[2].startswith("1@1 ")
        assert "0.3400 +- 0.0012" in lines[2]

    @pytest.mark.parametrize("width", [60, 80, 140])
    def test_no_figure_is_cut_off(self, width):
        from rich.console import Console

        params = {"widths": [64, 32], "latent_dim": 8, "beta": 0.5, "learning_rate": 0.001}
        trials = [dataclasses.replace(trial, params=params) for trial in self.TRIALS]
        console = Console(width=width)
        with console.capture() as capture:
            console.print(confirmed_table(self.front(ROWS, trials)))
        lines = capture.get().splitlines()
        assert all(len(line) <= width for line in lines)
        for figure in ("0.3400", "0.0012", "0.3000", "12.00", "0.06", "9.00", "0@1 choice"):
            assert any(figure in line for line in lines[:9]), figure
        assert any("widths=[64,32]  latent_dim=8" in line for line in lines)

    def test_many_objectives_have_the_search_below(self):
        from rich.console import Console

        objectives = {"fid": "minimize", "tvd": "minimize", "elbo": "maximize"}
        trials = []
        rows = []
        for trial in self.TRIALS:
            (measured,) = trial.measurements
            metrics = {**measured.metrics, "elbo": -90.0}
            trials.append(make_trial(trial.number, measurements=(type(measured)(1, metrics, 1.0),)))
        for item in ROWS:
            rows.append(type(item)(*item.key, {**item.metrics, "elbo": -91.0}, 1.0))
        front = self.front(rows, trials, objectives=objectives)
        console = Console(width=100)
        with console.capture() as capture:
            console.print(confirmed_table(front))
        assert "in the search" in capture.get()
        assert "-91.00 +- 0.00" in capture.get()
        assert len(front.bands) == 3

    def test_one_objective_can_be_drawn(self, tmp_path):
        from search.report.confirmed_figures import draw_confirmed

        front = self.front(ROWS, objectives={"fid": "minimize"})
        assert front.bands == []
        draw_confirmed(front, tmp_path / "one.png")
        assert (tmp_path / "one.png").stat().st_size > 5_000

    def test_nothing_but_failures_can_be_drawn(self, tmp_path):
        from search.report.confirmed_figures import draw_confirmed

        front = self.front([row(0, 1, 1, math.nan, math.nan), row(0, 2, 1, math.nan, math.nan)])
        draw_confirmed(front, tmp_path / "none.png")
        assert (tmp_path / "none.png").stat().st_size > 1_000

    def test_latent_samplers_are_candidates_of_their_own(self):
        config = {"measure": {"latent_samplers": ["gaussian"]}}
        metrics = {"fid": 9.0, "tvd": 0.2, "fid@gaussian": 4.0, "tvd@gaussian": 0.3}
        measured = type(self.TRIALS[0].measurements[0])(1, metrics, 1.0)
        trials = [make_trial(0, measurements=(measured,))]
        worse = {name: 1.5 * value for name, value in metrics.items()}
        rows = [type(ROWS[0])(0, k, 1, worse, 1.0) for k in (1, 2)]
        front = self.front(rows, trials, **config)
        means = {member.label: dict(member.means) for member in front.members}
        assert means == {
            "0@1": {"fid": 13.5, "tvd": pytest.approx(0.3)},
            "0@1:gaussian": {"fid": 6.0, "tvd": pytest.approx(0.45)},
        }


class TestProgress:
    STATE = ConfirmProgress(
        num_wanted=10,
        num_missing=6,
        running=[(3, 2)],
        ended=[EndedRepeat(3, 1, {20: {"fid": 8.5}, 40: {"fid": 7.25}})],
        seconds_left=240.0,
        objectives=["fid"],
    )

    def test_a_line_tells_of_every_epoch(self):
        assert repeat_line(self.STATE, self.STATE.ended[0]) == (
            "trial 3 repeat 1: @20 FID 8.50, @40 FID 7.25"
        )

    def test_a_line_tells_of_a_failure(self):
        line = repeat_line(self.STATE, EndedRepeat(4, 2, {}, "the loss became nan in epoch 3"))
        assert line == "trial 4 repeat 2: the loss became nan in epoch 3"

    def test_the_count_tells_the_time_left(self):
        assert count_line(self.STATE) == "4/10 trainings, about 4 min left"

    def test_the_view_shows_what_runs_and_what_ended(self):
        from rich.console import Console

        console = Console(width=100)
        with console.capture() as capture:
            console.print(confirm_view(self.STATE, "tiny", "training again"))
        assert "running: trial 3 repeat 2" in capture.get()
        assert "@40 FID 7.25" in capture.get()
