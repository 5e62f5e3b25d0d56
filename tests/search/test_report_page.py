"""The report of a search: its page, the files beside it, and where it may be written."""

import csv
import errno
import html.parser
import json
import math
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
from search.report.page import page
from search.report.page_study import reproduction_section
from search.report.report import write_report
from search.report.summary import summarize
from search.report.tables import number
from search.report.timeline import in_order, moments, stages
from search.store import TrialStore
from search.study.attempts import Attempt
from search.study.confirmations import Confirmation, write_confirmations
from search.study.database import open_database
from search.study.reader import StudyReader
from search.study.searches import create_search
from search.study_file import parse_study
from search.trial import Measurement, TrialState
from search.workspace import Workspace
from tests.commands import Commands, make_search
from tests.contracts.study_driver import Driver
from tests.search.examples import make_record, make_study, make_trial
from tests.stored_search import fill

HOSTILE = "</script><script>alert('x')</script>\"'<img src=x onerror=alert(1)> 🦊 $\\frac$"
LONG = "w" * 6000
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class Parsed(html.parser.HTMLParser):
    """Elements and text of a page, as a browser would see them."""

    def __init__(self, page: str | Path):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._is_code = False
        self.feed(page if isinstance(page, str) else page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._is_code = tag in ("script", "style")

    def handle_endtag(self, tag):
        self._is_code = False

    def handle_data(self, data):
        self.text += "" if self._is_code else data


def make(folder: Path, trials, **changes) -> StudyReader:
    """Makes a search of trials: metrics of each epoch, how it ended, and why."""
    workspace = Workspace.at(folder)
    workspace.make()
    engine = open_database(workspace.study_url)
    create_search(engine, make_study(**changes), {"data": "d", "code": "c"})
    driver = Driver(workspace.study_url, "tiny")
    for metrics, state, reason in trials:
        trial = driver.writer.new_trial()
        attempt = driver.writer.start_attempt(trial)
        rows = [Measurement(e, m, float(e), attempt) for e, m in enumerate(metrics, start=1)]
        driver.writer.record(trial.number, attempt, rows)
        if state is not TrialState.RUNNING:
            driver.writer.finish(trial.number, attempt, state, reason)
    driver.lease.release()
    driver.close()
    return StudyReader(engine, "tiny")


def two(*pairs):
    return [{"fid": fid, "tvd": tvd} for fid, tvd in pairs]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A report of a search whose every text is out to break the page."""
    folder = tmp_path_factory.mktemp("hostile")
    space = {
        HOSTILE: {"type": "categorical", "choices": [LONG, HOSTILE, "plain"]},
        "latent_dim": {"type": "int", "low": 2, "high": 16, "when": {HOSTILE: [LONG, HOSTILE]}},
        "beta": {"type": "float", "low": 0.01, "high": 1.0, "log": True},
    }
    trials = [
        (two((9.0 + i, 0.9), (4.0 + i, 0.5 - i / 40)), TrialState.COMPLETE, None) for i in range(12)
    ]
    trials.append((two((math.nan, math.inf)), TrialState.FAILED, HOSTILE + LONG))
    trials.append((two((30.0, 0.9)), TrialState.PRUNED, "rung 3: rank 7 of 9"))
    trials.append((two((31.0, 0.9)), TrialState.PRUNED, "rung 3: rank 12 of 19"))
    trials.append((two((20.0, 0.4)), TrialState.RUNNING, None))
    study = {"space": space, "dataset": f"/{HOSTILE}.npz", "budget": {"trials": 15, "epochs": 2}}
    reader = make(folder / "ws", trials, **study)
    material = gather(reader, str(folder / "ws" / "store"))
    return material, write_report(material, folder / "out"), folder / "out"


@pytest.fixture
def material(tmp_path):
    """Of a search without a measurement, which takes no time to draw."""
    reader = make(tmp_path / "ws", [])
    return gather(reader, str(tmp_path / "ws" / "store"))


def rows_of(path: Path):
    csv.field_size_limit(10**6)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class TestPage:
    def test_what_comes_from_the_study_is_text(self, hostile):
        parsed = Parsed(hostile[1].page)
        assert HOSTILE in parsed.text
        assert not [
            name for _, attributes in parsed.tags for name in attributes if name[:2] == "on"
        ]
        own = {"data:image/png;base64"}
        assert {a["src"].partition(",")[0] for tag, a in parsed.tags if tag == "img"} == own
        # Plotly's own, and one for each of its two figures.
        assert sum(tag == "script" for tag, _ in parsed.tags) == 3

    def test_nothing_is_loaded_from_anywhere(self, hostile):
        parsed = Parsed(hostile[1].page)
        loading = [v for _, a in parsed.tags for k, v in a.items() if k in ("src", "href", "data")]
        assert all(value.startswith("data:") for value in loading)
        assert not {"link", "iframe", "object", "base"} & {tag for tag, _ in parsed.tags}
        policy = next(a["content"] for _, a in parsed.tags if "http-equiv" in a)
        assert policy.startswith("default-src 'none'")

    def test_a_long_value_is_cut_and_whole_where_one_points_at_it(self, hostile):
        parsed = Parsed(hostile[1].page)
        titles = [attributes["title"] for _, attributes in parsed.tags if "title" in attributes]
        assert any(LONG in title for title in titles)
        table = parsed.text.partition("How to reproduce")[0]
        assert max(len(word) for word in table.split()) < 400

    def test_its_figures_are_those_of_the_summary(self, hostile):
        material, written, folder = hostile
        text = Parsed(written.page).text
        front = material.summary.front
        assert len(front) > 3
        for member in front:
            assert member.label in text
            assert all(number(value) in text for value in member.values.values())
        saved = json.loads((folder / "report.json").read_text())
        plain = json.loads(json.dumps(material.summary.to_json()))
        assert saved["summary"] == plain
        rows = rows_of(folder / "front.csv")
        assert [(row["candidate"], float(row["fid"])) for row in rows] == [
            (member.label, member.values["fid"]) for member in front
        ]
        last = saved["hypervolume"][-1]
        ended = [trial for trial in material.trials if trial.state.is_finished]
        assert last["num_finished"] == len(ended) == 15
        assert last["hypervolume"] <= material.summary.hypervolume

    def test_the_tables_hold_every_trial_and_measurement(self, hostile):
        material, _, folder = hostile
        trials, measurements = rows_of(folder / "trials.csv"), rows_of(folder / "measurements.csv")
        assert [int(row["trial"]) for row in trials] == list(range(16))
        assert len(measurements) == sum(len(trial.measurements) for trial in material.trials)
        assert measurements[24]["tvd"] == "inf"
        assert {row[f"params.{HOSTILE}"] for row in trials} <= {LONG, HOSTILE, "plain"}

    def test_it_says_who_was_stopped_or_failed_and_why(self, hostile):
        text = Parsed(hostile[1].page).text
        assert "rung #: rank # of #" in text
        assert "13, 14" in text
        assert "nan" in text

    def test_it_says_what_state_the_search_is_in(self, hostile):
        text = Parsed(hostile[1].page).text
        assert "15 of 15 trials have ended. All trials: 12 complete" in " ".join(text.split())
        assert '"now" adds the trials that have not ended' in text

    def test_importance_and_confirmation_are_there_or_said_to_be_missing(self, hostile, material):
        assert "What decides who is among the best" in Parsed(hostile[1].page).text
        assert hostile[1].page.with_name("importance.png").exists()
        assert "too few to tell" in material.importance_remarks[0]
        assert "was not confirmed yet" in material.not_confirmed

    def test_a_search_without_a_measurement_has_a_page(self, material, tmp_path):
        written = write_report(material, tmp_path / "out")
        assert "No trial has been measured yet" in Parsed(written.page).text
        names = {path.name for path in written.files}
        csvs = {"front.csv", "measurements.csv", "trials.csv"}
        assert names == {"report.html", "report.json"} | csvs

    def test_a_search_that_runs_is_said_to(self, tmp_path):
        reader = make(tmp_path / "ws", [(two((4.0, 0.5)), TrialState.RUNNING, None)])
        driver = Driver(str(reader.engine.url), "tiny")
        text = page(gather(reader, str(tmp_path)), {}, "")
        driver.close()
        assert "was still running when this page was written" in Parsed(text).text

    @pytest.mark.parametrize(
        ("objectives", "num_pairs"),
        [
            ({"elbo": "maximize"}, 1),
            ({"fid": "minimize", "tvd": "minimize", "elbo": "maximize"}, 3),
        ],
    )
    def test_any_number_of_objectives(self, tmp_path, objectives, num_pairs):
        metrics = [{"fid": 9.0 - i, "tvd": 0.1 * i, "elbo": -90.0 - i * i} for i in range(4)]
        trials = [([item], TrialState.COMPLETE, None) for item in metrics]
        reader = make(tmp_path / "ws", trials, objectives=objectives)
        material = gather(reader, str(tmp_path))
        written = write_report(material, tmp_path / "out")
        text = Parsed(written.page).text
        assert all(member.label in text for member in material.summary.front)
        figure = interactive.front_figure(material.summary, material.found, material.trials)
        menus = figure.layout.updatemenus
        assert len(menus[0].buttons if menus else [None]) == num_pairs

    def test_a_confirmed_front_is_shown_with_its_errors(self, tmp_path):
        reader = make(tmp_path / "ws", [(two((4.0, 0.5)), TrialState.COMPLETE, None)])
        driver = Driver(str(reader.engine.url), "tiny")
        fids = (5.0, 6.0, 7.0)
        rows = [
            Confirmation(0, repeat, 1, {"fid": fid, "tvd": 0.1 * fid}, 1.0)
            for repeat, fid in enumerate(fids, start=1)
        ]
        write_confirmations(driver.reader, rows)
        driver.lease.release()
        driver.close()
        material = gather(reader, str(tmp_path))
        written = write_report(material, tmp_path / "out")
        assert "6.00\u00a0±\u00a00.58" in Parsed(written.page).text
        (row,) = rows_of(tmp_path / "out" / "front.csv")
        assert (float(row["confirmed.fid"]), row["seeds"]) == (6.0, "3")
        assert (tmp_path / "out" / "confirmed.png").exists()
        figure = interactive.front_figure(
            material.summary, material.found, material.trials, material.confirmed
        )
        assert list(figure.data[-1].error_x.array) == pytest.approx([1 / math.sqrt(3)])

    def test_pictures_of_the_front_are_inside_and_missing_ones_are_named(self, tmp_path):
        workspace = Workspace.at(tmp_path / "ws")
        workspace.make()
        engine = open_database(workspace.study_url)
        create_search(engine, make_study(budget={"trials": 5, "epochs": 2}), {})
        store = fill(workspace, "tiny")  # what it left are no real pictures
        attempt = TrialStore.newest(store, 4).attempt
        notes = {"state": "s", "weights": {}, "measurements": []}
        store.save(4, attempt, (3, 0), {"samples.png": PIXEL}, notes)
        reader = StudyReader(engine, "tiny")
        material = gather(reader, workspace.store(make_study()))
        shown = {picture.trial: picture for picture in material.pictures}
        assert (shown[4].content, shown[4].epoch) == (PIXEL, 3)
        assert shown[0].missing == "what was saved is no PNG"
        text = Parsed(page(material, {}, "")).text
        assert "No images of trial 0 (0@2): what was saved is no PNG." in text
        assert "Trial 4 after epoch 3; on the front: 4@2" in text

    def test_its_study_file_can_be_run_and_holds_no_password(self):
        study = make_study(
            store="s3://key:secret@bucket/path",
            fixed={"widths": [8]},
            tracking={"uri": "http://me:secret@host"},
            on_end={"webhook": "https://host/secret"},
        )
        text = reproduction_section(make_record(study), "")["file"]
        assert "secret" not in text
        again = parse_study(text, "page")
        assert again.model_copy(update={"store": None}) == make_study(fixed={"widths": [8]})


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
