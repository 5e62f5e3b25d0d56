"""What is said of a search: the front, its noise, advice, tables and progress."""

import io
import json
import math
import re

import pytest
from rich.console import Console

from search.candidates import candidates, front_candidates
from search.report.advice import advise
from search.report.progress import duration, progress, progress_table, trial_line
from search.report.summary import summarize
from search.report.tables import front_table, number, remarks, short
from search.trial import Measurement, Trial, TrialState
from tests.search.examples import SPACE, make_record, make_study, make_trial

CEILING = {"fid": 20.0, "tvd": 2.0}


def text_of(renderable, width=200):
    """Returns what a terminal would show."""
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


def front_of(config, trials):
    return summarize(make_record(config), trials, {}).front


def trade_off():
    """Three trials: two that share the front, and one that both beat."""
    return [
        make_trial(0, (9.0, 4.0), (0.9, 0.5)),
        make_trial(1, (8.0, 6.0), (0.9, 0.1)),
        make_trial(2, (12.0, 10.0), (0.9, 0.8)),
    ]


class TestSummary:
    def test_the_front_is_sorted_and_its_shares_are_of_the_whole(self):
        found = summarize(make_record(ceiling=CEILING), trade_off(), {(0, 2): {"fid": 4.4}})
        assert [member.label for member in found.front] == ["0@2", "1@2"]
        assert [member.remeasured for member in found.front] == [{"fid": 4.4}, None]
        assert found.reference == CEILING
        assert found.hypervolume == pytest.approx(16 * 1.5 + 14 * 0.4)
        assert found.front[0].share == pytest.approx(2 * 1.5 / found.hypervolume)
        assert found.best == {"fid": 4.0, "tvd": 0.1}

    def test_the_noise_is_that_of_the_knee(self):
        study = make_study(measure={"num_images": 2500})
        found = summarize(make_record(study), trade_off(), {})
        middle = next(member for member in found.front if member.is_knee)
        assert found.noise["fid"] == pytest.approx(0.01 * 2 * middle.values["fid"])
        assert found.noise["tvd"] == pytest.approx(0.016)

    def test_a_trial_within_the_noise_is_near_and_not_on_the_front(self):
        trials = [make_trial(0, (4.0,), (0.4,)), make_trial(1, (4.01,), (0.401,))]
        found = summarize(make_record(), [*trials, make_trial(2, (9.0,), (0.9,))], {})
        assert [member.label for member in found.front] == ["0@1"]
        assert found.near == ["1@1"]

    def test_one_objective_to_maximize_has_a_front_too(self):
        study = make_study(objectives={"elbo": "maximize"})
        values = [-9.0, -5.0, -7.0]
        items = tuple(Measurement(i + 1, {"elbo": v}, 1.0) for i, v in enumerate(values))
        found = summarize(make_record(study), [make_trial(0, measurements=items)], {})
        assert [member.label for member in found.front] == ["0@2"]
        assert found.hypervolume == pytest.approx(4.0)
        assert found.best == {"elbo": -5.0}

    def test_what_is_not_finite_is_no_candidate(self):
        trials = [make_trial(0, (math.nan, 3.0, math.inf), state=TrialState.FAILED)]
        assert [str(c) for c in candidates(make_study(), trials)] == ["0@2"]
        assert front_candidates(make_study(), trials) == [(0, 2)]

    def test_a_search_without_candidates_is_empty(self):
        found = summarize(make_record(), [make_trial(0, ())], {})
        assert (found.front, found.hypervolume, found.best, found.noise) == ([], None, {}, {})
        assert "No trial of `tiny` has been measured yet" in text_of(front_table(found))

    def test_json_is_plain(self):
        found = summarize(make_record(ceiling=CEILING), trade_off(), {(0, 2): {"fid": 4.4}})
        plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
        assert plain["front"][0]["trial"] == 0
        assert plain["states"] == {"complete": 3}


# A search's trials; what of them is on the front comes from `front_candidates`.
def at_bounds(*latent_dims, **changes):
    """Trials that are all on the front, one per latent dimension."""
    return [
        make_trial(
            i, (5.0 + i,), (0.9 - 0.1 * i,), params={"latent_dim": d, "beta": 0.1}, **changes
        )
        for i, d in enumerate(latent_dims)
    ]


def failed(rate):
    return Trial(9, {"learning_rate": rate}, TrialState.FAILED, reason="the loss became nan")


ADVICE = [
    ("one point", [make_trial(0, (4.0,), (0.1,))], [], "The front is one point: 0@1 is best in ev"),
    ("two points", trade_off(), [], None),
    ("diverged", trade_off(), [failed(0.02), failed(0.01)], "2 of 5 trials diverged.*at 0.01"),
    ("upper edge", at_bounds(16, 16, 8), [], "67% of the front has `latent_dim` at the upper end"),
    ("lower edge", at_bounds(2, 8, 2), [], "67% of the front has `latent_dim` at the lower end"),
    ("inside", at_bounds(8, 9, 7), [], None),
    ("unstable", [make_trial(0, (4.0, 5.0, 9.0))], [], "in 1 of 1 trials the last FID is over 1.5"),
    ("last epoch", trade_off(), [], "2 of 2 front members are from the last epoch, 2"),
]


class TestAdvice:
    @pytest.mark.parametrize(("case", "trials", "more", "sentence"), ADVICE)
    def test_advice_is_given_when_it_is_due(self, case, trials, more, sentence):
        config = make_study(budget={"trials": 9, "epochs": 2 if case == "last epoch" else 50})
        found = advise(config, [*trials, *more], front_of(config, trials), {})
        assert any(re.search(sentence, line) for line in found) if sentence else found == []

    def test_collapsed_trials_are_named(self):
        trials = trade_off()
        alarm = Measurement(3, {"fid": 9.0, "tvd": 0.9, "collapse_alarms": 2.0}, 3.0)
        trials.append(make_trial(3, (9.0,), (0.9,), measurements=(alarm,)))
        config = make_study(budget={"epochs": 50})
        found = advise(config, trials, front_of(config, trials), {})
        assert any(line.startswith("1 of 4 trials collapsed (3): ") for line in found)

    def test_a_count_cannot_go_below_one(self):
        space = {**SPACE, "latent_dim": {"type": "int", "low": 1, "high": 16}}
        config = make_study(space=space, budget={"epochs": 50})
        trials = at_bounds(1, 1, 1)
        assert advise(config, trials, front_of(config, trials), {}) == []

    @pytest.mark.parametrize(("noise", "is_told"), [(0.09, True), (0.01, False), (None, False)])
    def test_a_tvd_near_its_floor_is_told(self, noise, is_told):
        config = make_study(budget={"epochs": 50})
        prepared = {} if noise is None else {"tvd_noise": noise}
        found = advise(config, trade_off(), front_of(config, trade_off()), prepared)
        assert any("near its noise floor" in line for line in found) is is_told

    def test_without_a_front_there_is_nothing_to_say(self):
        assert advise(make_study(), [failed(0.01)], [], {}) == []


class TestTables:
    def test_a_front_of_one_point_is_said_plainly(self):
        found = summarize(make_record(), [make_trial(3, (4.0,), (0.1,))], {})
        shown = text_of(front_table(found))
        assert "The front is one point: 3@1 is best in every objective" in shown
        assert "knee" not in shown

    def test_the_table_says_what_its_figures_are(self):
        record = make_record(ceiling=CEILING, floor={"fid": 0.1, "tvd": 0.05})
        shown = text_of(front_table(summarize(record, trade_off(), {(0, 2): {"fid": 4.4}})))
        assert "FID (test)" in shown
        assert "Hypervolume 29.60 against FID 20.00, TVD 2.00." in shown
        assert "Real training images / their mean image score: FID 0.1000 / 20.00" in shown
        assert "not Inception" in shown

    @pytest.mark.parametrize(
        ("width", "test_is_beside", "params_are_beside"),
        [(45, False, False), (60, True, False), (80, True, False), (140, True, True)],
    )
    def test_the_front_can_be_read_at_any_width(self, width, test_is_beside, params_are_beside):
        params = {"widths": [128, 64], "latent_dim": 8, "beta": 0.267, "learning_rate": 0.00123}
        trials = [make_trial(0, (9.0, 4.25), (0.9, 0.55), params=params)]
        found = summarize(make_record(), trials, {(0, 2): {"fid": 14.5, "tvd": 0.6125}})
        lines = text_of(front_table(found), width).splitlines()
        assert all(len(line) <= width for line in lines)
        heading, row = lines[1], next(line for line in lines if line.startswith("0@2"))
        assert ("FID (test)" in heading, "14.50" in row) == (test_is_beside, test_is_beside)
        assert any("on test images" in line for line in lines) is not test_is_beside
        assert any("14.50" in line and "0.6125" in line for line in lines)
        assert ("widths=[128,64]" in row) is params_are_beside
        assert any("widths=[128,64]  latent_dim=8" in line or width < 60 for line in lines)
        assert "learning_rate=0.00123" in "\n".join(lines)

    def test_a_correlation_counts_what_is_good_not_what_is_large(self):
        config = make_study(objectives={"fid": "minimize", "tvd": "maximize"})
        summary = summarize(make_record(config), at_bounds(3, 4, 5, 6, 7), {})
        plain = summarize(make_record(), at_bounds(3, 4, 5, 6, 7), {})
        assert summary.correlations["fid, tvd"] == -plain.correlations["fid, tvd"]

    def test_a_trade_off_is_named(self):
        trials = at_bounds(3, 4, 5, 6, 7)
        lines = list(remarks(summarize(make_record(), trials, {})))
        assert "Rank correlation of fid, tvd: -1.00, a real trade-off." in lines

    @pytest.mark.parametrize(
        ("value", "text"),
        [(0.12345, "0.1235"), (12.345, "12.35"), (12345.6, "12,346"), (math.inf, "inf")],
    )
    def test_figures_have_the_digits_that_mean_something(self, value, text):
        assert number(value) == text

    def test_params_fit_on_a_line(self):
        params = {"widths": [64, 32], "beta": 0.012345, "bn": True, "variance": None}
        assert short(params) == "widths=[64,32]  beta=0.0123  bn=True  variance=None"


class TestProgress:
    def test_progress_counts_and_names_the_best(self):
        waiting = Trial(3, {}, TrialState.WAITING)
        found = progress(make_record(ceiling=CEILING), [*trade_off(), waiting], None)
        assert (found.num_finished, found.num_trials) == (3, 3)
        assert found.best == {"fid": (4.0, "0@2"), "tvd": (0.1, "1@2")}
        assert found.states == {"waiting": 1, "running": 0, "complete": 3, "pruned": 0, "failed": 0}
        assert json.loads(json.dumps(found.to_json(), allow_nan=False))["best"]["fid"] == [
            4.0,
            "0@2",
        ]

    def test_the_time_left_follows_the_trials_that_ended(self):
        spans = [make_trial(i, started_at=100.0, finished_at=110.0) for i in range(2)]
        running = Trial(2, {}, TrialState.RUNNING, started_at=1.0)
        config = make_study(budget={"trials": 6, "epochs": 1})
        assert progress(make_record(config), spans, "me").seconds_left is None
        assert progress(make_record(config), [*spans, running], None).seconds_left is None
        assert progress(make_record(config), [*spans, running], "me").seconds_left == 30.0

    def test_a_search_that_has_just_begun_can_be_shown(self):
        found = progress(make_record(), [Trial(0, {}, TrialState.RUNNING)], "me")
        assert found.hypervolume is None
        assert "0/3 done, 1 running" in text_of(progress_table(found, "starting"))

    def test_a_trial_that_ended_is_one_line(self):
        trials = [make_trial(0, (4.0,), (0.4,)), Trial(1, {}, TrialState.FAILED, reason="why")]
        found = progress(make_record(ceiling=CEILING), trials, None)
        lines = [trial_line(found, trial) for trial in found.finished]
        assert "[1/3] trial 0 complete after epoch 1  fid=4.00  tvd=0.4000" in lines[0]
        assert "[2/3] trial 1 failed after epoch 0  (why)" in lines[1]

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(89.0, "89 s"), (90.0, "2 min"), (5399.0, "90 min"), (7200.0, "2.0 h")],
    )
    def test_a_duration_reads_as_a_person_says_it(self, seconds, text):
        assert duration(seconds) == text
