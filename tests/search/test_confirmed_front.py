"""The data and the words of a confirmed front, and of a confirmation under way."""

import dataclasses
import math

import pytest
from rich.console import Console

from search.report.confirm_progress import (
    ConfirmProgress,
    EndedRepeat,
    confirm_view,
    count_line,
    repeat_line,
)
from search.report.confirmed import confirmed_front
from search.report.confirmed_figures import draw_confirmed
from search.report.confirmed_tables import confirmed_remarks, confirmed_table
from tests.confirming import CONFIRMED, row
from tests.search.examples import make_record, make_study, make_trial


class TestFront:
    TRIALS = (make_trial(0, (9.0,), (0.2,)), make_trial(1, (4.0,), (0.3,)))

    def front(self, rows, trials=TRIALS, remeasured=None, **changes):
        config = make_study(**changes)
        return confirmed_front(make_record(config), trials, rows, remeasured or {})

    def test_failed_trainings_are_counted_and_said(self):
        rows = [*CONFIRMED[:5], row(1, 3, 1, math.nan, math.nan)]
        front = self.front(rows)
        (member,) = [m for m in front.members if m.trial == 1]
        assert (member.num_repeats, member.num_failed) == (2, 1)
        assert "1 of trial 1" in "\n".join(confirmed_remarks(front))

    def test_one_whose_trainings_all_failed_is_last_without_figures(self):
        rows = [*CONFIRMED[:3], *(row(1, k, 1, math.nan, 0.3) for k in (1, 2, 3))]
        last = self.front(rows).members[-1]
        assert (last.trial, last.probability, dict(last.means)) == (1, 0.0, {})

    def test_one_seed_has_neither_errors_nor_probabilities(self):
        front = self.front([CONFIRMED[0], CONFIRMED[3]])
        assert {m.probability for m in front.members} == {None}
        assert all(not m.errors for m in front.members)
        assert front.spread == {}
        text = "\n".join(confirmed_remarks(front))
        assert "errors and P(front) take two. `vaesearch confirm tiny --seeds 2` goes on." in text
        assert "take two" not in "\n".join(confirmed_remarks(self.front(CONFIRMED)))

    def test_luck_is_told_from_other_images(self):
        remeasured = {(0, 1): {"fid": 9.9, "tvd": 0.2}, (1, 1): {"fid": 4.4, "tvd": 0.3}}
        front = self.front(CONFIRMED, remeasured=remeasured)
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
        text = "\n".join(confirmed_remarks(self.front(CONFIRMED[:4])))
        assert "! Not all have 3 repeats yet: 1@1. `vaesearch confirm tiny --seeds 3`" in text

    @pytest.mark.parametrize("width", [80, 100, 140])
    def test_the_table_fits(self, width):
        console = Console(width=width)
        with console.capture() as capture:
            console.print(confirmed_table(self.front(CONFIRMED)))
        lines = capture.get().splitlines()
        assert all(len(line) <= width for line in lines)
        assert lines[2].startswith("1@1 ")
        assert "0.3400 +- 0.0012" in lines[2]

    @pytest.mark.parametrize("width", [60, 80, 140])
    def test_no_figure_is_cut_off(self, width):
        params = {"widths": [64, 32], "latent_dim": 8, "beta": 0.5, "learning_rate": 0.001}
        trials = [dataclasses.replace(trial, params=params) for trial in self.TRIALS]
        console = Console(width=width)
        with console.capture() as capture:
            console.print(confirmed_table(self.front(CONFIRMED, trials)))
        lines = capture.get().splitlines()
        assert all(len(line) <= width for line in lines)
        for figure in ("0.3400", "0.0012", "0.3000", "12.00", "0.06", "9.00", "0@1 choice"):
            assert any(figure in line for line in lines[:9]), figure
        assert any("widths=[64,32]  latent_dim=8" in line for line in lines)

    def test_many_objectives_have_the_search_below(self):
        objectives = {"fid": "minimize", "tvd": "minimize", "elbo": "maximize"}
        trials = []
        rows = []
        for trial in self.TRIALS:
            (measured,) = trial.measurements
            metrics = {**measured.metrics, "elbo": -90.0}
            trials.append(make_trial(trial.number, measurements=(type(measured)(1, metrics, 1.0),)))
        for item in CONFIRMED:
            rows.append(type(item)(*item.key, {**item.metrics, "elbo": -91.0}, 1.0))
        front = self.front(rows, trials, objectives=objectives)
        console = Console(width=100)
        with console.capture() as capture:
            console.print(confirmed_table(front))
        assert "in the search" in capture.get()
        assert "-91.00 +- 0.00" in capture.get()
        assert len(front.bands) == 3

    def test_one_objective_can_be_drawn(self, tmp_path):
        front = self.front(CONFIRMED, objectives={"fid": "minimize"})
        assert front.bands == []
        draw_confirmed(front, tmp_path / "one.png")
        assert (tmp_path / "one.png").stat().st_size > 5_000

    def test_nothing_but_failures_can_be_drawn(self, tmp_path):
        front = self.front([row(0, 1, 1, math.nan, math.nan), row(0, 2, 1, math.nan, math.nan)])
        draw_confirmed(front, tmp_path / "none.png")
        assert (tmp_path / "none.png").stat().st_size > 1_000

    def test_latent_samplers_are_candidates_of_their_own(self):
        config = {"measure": {"latent_samplers": ["gaussian"]}}
        metrics = {"fid": 9.0, "tvd": 0.2, "fid@gaussian": 4.0, "tvd@gaussian": 0.3}
        measured = type(self.TRIALS[0].measurements[0])(1, metrics, 1.0)
        trials = [make_trial(0, measurements=(measured,))]
        worse = {name: 1.5 * value for name, value in metrics.items()}
        rows = [type(CONFIRMED[0])(0, k, 1, worse, 1.0) for k in (1, 2)]
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
        console = Console(width=100)
        with console.capture() as capture:
            console.print(confirm_view(self.STATE, "tiny", "training again"))
        assert "running: trial 3 repeat 2" in capture.get()
        assert "@40 FID 7.25" in capture.get()
