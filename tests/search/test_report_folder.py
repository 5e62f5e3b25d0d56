"""A report as a folder and a command: figures, tables, costs, and where it may be written."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from search.candidates import candidates
from search.errors import SearchError
from search.report import interactive
from search.report.costs import costs
from search.report.material import gather
from search.report.report import write_report
from search.report.summary import summarize
from search.report.timeline import in_order, moments, stages
from search.study.attempts import Attempt
from search.trial import TrialState
from tests.commands import Commands, make_search
from tests.reported import HOSTILE, make
from tests.search.examples import make_record, make_study, make_trial


@pytest.fixture
def material(tmp_path):
    """Of a search without a measurement, which takes no time to draw."""
    reader = make(tmp_path / "ws", [])
    return gather(reader, str(tmp_path / "ws" / "store"))


class TestFolder:
    def test_an_earlier_report_is_replaced_as_a_whole(self, material, tmp_path):
        out = tmp_path / "deep" / "out"
        write_report(material, out)
        (out / "front.csv").write_text("old")
        write_report(material, out)
        assert (out / "front.csv").read_text().startswith("candidate,")
        assert [path.name for path in out.parent.iterdir()] == ["out"]

    def test_an_empty_folder_is_taken(self, material, tmp_path):
        (tmp_path / "out").mkdir()
        assert write_report(material, tmp_path / "out").page.exists()

    @pytest.mark.parametrize("kind", ["foreign", "beside", "fake", "file"])
    def test_nothing_else_is_ever_replaced(self, material, tmp_path, kind):
        out = tmp_path / "out"
        if kind == "beside":
            write_report(material, out)
        elif kind != "file":
            out.mkdir()
        kept = out if kind == "file" else out / ("report.json" if kind == "fake" else "mine.txt")
        kept.write_text("{}")
        with pytest.raises(SearchError, match=r"no part of a report|no folder") as refused:
            write_report(material, out)
        assert "\n" not in str(refused.value)
        assert kept.read_text() == "{}"

    def test_a_full_disk_leaves_the_earlier_report(self, material, tmp_path, monkeypatch):
        out = tmp_path / "out"
        before = write_report(material, out).page.read_bytes()

        def full(*arguments, **keywords):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "write_text", full)
        with pytest.raises(SearchError, match=r"Cannot write the report .*: No space left"):
            write_report(material, out)
        assert (out / "report.html").read_bytes() == before
        assert {path.name for path in tmp_path.iterdir()} == {"out", "ws"}


class TestFigures:
    def test_a_page_of_one_figure_stands_alone(self):
        figure = interactive.parallel_figure(make_study(), [make_trial(0), make_trial(1)])
        text = interactive.standalone(figure, HOSTILE)
        assert "&lt;/script&gt;" in text
        assert "plotly.js v" in text
        assert ' src="' not in text

    def test_of_many_candidates_the_front_and_an_even_choice_are_drawn(self, monkeypatch):
        trials = [make_trial(i, (9.0 - 0.01 * i,)) for i in range(200)]
        summary = summarize(make_record(), trials, {})
        monkeypatch.setattr(interactive, "MOST_POINTS", 50)
        shown = interactive.drawn(summary, candidates(make_study(), trials))
        assert len(shown) <= 51
        assert {member.label for member in summary.front} <= {str(c) for c in shown}

    def test_the_legend_names_the_candidates_though_the_first_trial_has_none(self):
        failed = make_trial(0, (), state=TrialState.FAILED, finished_at=1.0)
        trials = [failed, *(make_trial(i, finished_at=2.0) for i in (1, 2))]
        summary = summarize(make_record(), trials, {})
        figure = interactive.front_figure(summary, candidates(make_study(), trials), trials)
        points = [trace for trace in figure.data if trace.legendgroup == "points"]
        assert [len(trace.x) for trace in points if trace.showlegend] == [1]
        assert [len(trace.x) for trace in points] == [0, 1, 1]

    def test_stages_hold_every_candidate_once_and_the_front_of_each(self):
        trials = [make_trial(i, (9.0 - i,), finished_at=10.0 - i) for i in range(4)]
        trials.append(make_trial(4, (1.0,), state=TrialState.RUNNING))
        found = candidates(make_study(), trials)
        parts = stages(["fid", "tvd"], ["minimize"] * 2, found, trials, 25)
        assert [part.label for part in parts] == ["1", "2", "3", "4", "now"]
        assert [[c.trial for c in part.new] for part in parts] == [[3], [2], [1], [0], [4]]
        assert [[c.trial for c in part.front] for part in parts] == [[3], [3], [3], [3], [4]]

    def test_the_hypervolume_never_falls_and_hours_count_from_the_first_start(self):
        trials = [
            make_trial(i, (9.0 - i,), started_at=3600.0, finished_at=7200.0 * (i + 1))
            for i in range(3)
        ]
        course = moments(make_study(), trials, [10.0, 1.0])
        assert [moment.hours for moment in course] == [1.0, 3.0, 5.0]
        assert [trial.number for trial in in_order(trials)] == [0, 1, 2]
        assert [m.hypervolume for m in course] == pytest.approx([0.1, 0.4, 0.9])


class TestCosts:
    def test_hours_count_attempts_and_not_the_time_between(self):
        trials = [make_trial(0, (5.0, 4.0)), make_trial(1, (5.0,), state=TrialState.PRUNED)]
        attempts = [
            Attempt(0, 1, 0.0, 3600.0, "interrupted"),
            Attempt(0, 2, 90_000.0, 93_600.0, "complete"),
            Attempt(1, 1, 0.0, 1800.0, "pruned"),
        ]
        study = make_study(resources={"cpus": 2, "gpus": 0.5})
        found = costs(make_record(study), trials, attempts, 7200.0)
        by_state = {cost.state: cost for cost in found.states}
        assert (by_state["complete"].core_hours, by_state["pruned"].gpu_hours) == (4.0, 0.25)
        assert (by_state["all"].hours, by_state["all"].num_epochs) == (2.5, 3)
        assert (found.epoch_seconds, found.driven_hours) == (2700.0, 2.0)

    def test_a_lost_attempt_counts_until_its_last_measurement(self):
        attempts = [Attempt(0, 1, 0.0, 99_999.0, "lost")]
        found = costs(make_record(), [make_trial(0, (5.0, 4.0))], attempts, 0.0)
        assert (found.states[-1].hours, found.num_open) == (2.0 / 3600, 1)


class TestCommand:
    @pytest.fixture
    def command(self, monkeypatch, capsys, tmp_path):
        make_search(tmp_path / "vaesearch-workspace")
        return Commands(monkeypatch, capsys, tmp_path)

    def test_it_writes_and_says_how_to_open_it(self, command, tmp_path):
        shown = command("report", "tiny").out
        written = tmp_path / "tiny-report" / "report.html"
        assert f"Open {written.as_uri()} in a browser" in shown
        found = json.loads(command("report", "tiny", "--out", "r", "--json").out)
        assert found["summary"]["front"][0]["values"] == {"fid": 4.0, "tvd": 0.3}
        assert "r/report.html" in found["page"]

    def test_it_refuses_before_it_reads(self, command):
        assert "no part of a report" in command("report", "tiny", "--out", ".").error
        assert "no search `other`" in command("report", "other", "--out", "r").error

    def test_it_needs_neither_tensorflow_nor_ray(self, command, tmp_path):
        code = (
            "import sys; from search.cli.main import main\n"
            "try: main()\n"
            "except SystemExit: pass\n"
            "assert not {'tensorflow', 'ray', 'mlflow'} & set(sys.modules)"
        )
        arguments = [sys.executable, "-c", code, "report", "tiny", "--out", "r"]
        subprocess.run(arguments, cwd=tmp_path, check=True, env={**os.environ})
        assert (tmp_path / "r" / "report.html").exists()
