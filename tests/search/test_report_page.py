"""The page of a report: what it says, shows and escapes."""

import json
import math

import pytest

from search.report import interactive
from search.report.material import gather
from search.report.page import page
from search.report.page_study import reproduction_section
from search.report.report import write_report
from search.report.tables import number
from search.store import TrialStore
from search.study.confirmations import Confirmation, write_confirmations
from search.study.database import open_database
from search.study.reader import StudyReader
from search.study.searches import create_search
from search.study_file import parse_study
from search.trial import TrialState
from search.workspace import Workspace
from tests.contracts.study_driver import Driver
from tests.reported import HOSTILE, LONG, PIXEL, Parsed, make, rows_of, two
from tests.search.examples import make_record, make_study
from tests.stored_search import fill


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
