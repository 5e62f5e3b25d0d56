"""MLflow ends up like the study, whatever happens to it meanwhile. Real MLflow, no Ray."""

import pytest
import yaml

from search.study.projections import SEARCH_ITSELF, Projections
from search.tracking.client import EXPERIMENT, MlflowRuns
from search.tracking.projector import projecting
from search.trial import Measurement, TrialState
from search.workspace import Workspace
from tests.search.tracking.mlflow_study import (
    IDENTITY,
    START,
    Driver,
    assert_like_the_study,
    driving,
    history,
    make_client,
    make_config,
    runs_of,
)

CEILING = {"ceiling": {"fid": 100.0, "tvd": 1.0, "max_class_gap": 1.0}}


class TestWhatIsWritten:
    def test_every_epoch_of_every_trial_arrives_with_its_step_value_and_time(
        self, driver: Driver
    ) -> None:
        mirror = driver.mirror()
        first, attempt = driver.begin()
        for epochs in (range(1, 2), range(2, 4)):
            driver.train(first, attempt, epochs)
            mirror.flush()
        driver.writer.finish(first, attempt, TrialState.COMPLETE)
        driver.whole_trial()
        mirror.flush(is_last=True)
        assert_like_the_study(driver)

    def test_writing_twice_adds_nothing(self, driver: Driver) -> None:
        driver.whole_trial()
        driver.mirror().flush()
        before = {n: run.to_dictionary() for n, run in runs_of(driver).items()}
        driver.mirror().flush()
        # A driver that died before it could note what it had told tells everything again.
        Projections(driver.reader.engine, driver.reader.id).forget([SEARCH_ITSELF, 0])
        driver.mirror().flush()
        assert_like_the_study(driver)
        assert {n: run.to_dictionary() for n, run in runs_of(driver).items()} == before

    def test_a_run_holds_all_params_and_lists_as_json(self, driver: Driver) -> None:
        trial = driver.whole_trial()
        driver.mirror().flush()
        runs = runs_of(driver)
        beta = driver.writer.trial(trial).params["beta"]
        assert runs[trial].data.params == {
            "beta": str(beta),
            "widths": "[32, 16]",
            "learning_rate": "0.001",
        }
        assert runs[trial].info.run_name == "trial-00000"
        parent = runs[SEARCH_ITSELF]
        assert runs[trial].data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert parent.info.run_name == "demo"
        assert parent.data.params["objective.fid"] == "minimize"
        assert parent.data.tags["vaesearch.search_id"] == driver.reader.id

    def test_nan_and_infinity_arrive(self, driver: Driver) -> None:
        trial, attempt = driver.begin()
        metrics = {"fid": float("nan"), "tvd": float("inf")}
        driver.writer.record(trial, attempt, [Measurement(1, metrics, START)])
        for _ in range(2):
            Projections(driver.reader.engine, driver.reader.id).forget([trial])
            driver.mirror().flush()
        client = make_client(driver)
        [fid] = client.get_metric_history(runs_of(driver)[trial].info.run_id, "fid")
        [tvd] = client.get_metric_history(runs_of(driver)[trial].info.run_id, "tvd")
        assert fid.value != fid.value
        assert tvd.value > 1e308

    def test_more_metrics_than_one_request_takes_all_arrive(self, driver: Driver) -> None:
        trial, attempt = driver.begin()
        driver.train(trial, attempt, range(1, 801))  # 2,400 values
        driver.mirror().flush()
        assert_like_the_study(driver)

    def test_the_searchs_own_run_shows_its_progress(self, driver: Driver) -> None:
        driver.writer.prepare(CEILING)
        driver.whole_trial(fid=53.0)
        mirror = driver.mirror()
        mirror.flush()
        driver.whole_trial(TrialState.PRUNED, fid=43.0)
        driver.whole_trial(TrialState.FAILED, fid=63.0)
        mirror.flush()
        client, run = make_client(driver), runs_of(driver)[SEARCH_ITSELF]
        assert [p[:2] for p in history(client, run, "best_fid")] == [(1, 50), (2, 40), (3, 40)]
        assert [p[:2] for p in history(client, run, "num_pruned")] == [(1, 0), (2, 1), (3, 1)]
        volumes = [p[1] for p in history(client, run, "hypervolume")]
        assert volumes == pytest.approx([50 * 0.5, 50 * 0.5 + 10 * 0.49, 50 * 0.5 + 10 * 0.49])


def on_front(driver: Driver) -> dict[int, tuple[str, str]]:
    """Returns epochs and contribution of the trials that the filter of the page finds."""
    client = make_client(driver)
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    found = client.search_runs([experiment], "tags.`front.on_front` = 'true'")
    names = ("front.epochs", "front.contribution")
    return {
        int(run.data.tags["vaesearch.trial"]): (run.data.tags[names[0]], run.data.tags[names[1]])
        for run in found
    }


class TestPage:
    def test_the_searchs_own_run_holds_its_page_its_study_and_its_images(
        self, driver: Driver
    ) -> None:
        driver.whole_trial()
        mirror, client = driver.mirror(), make_client(driver)
        mirror.flush()
        mirror.show()
        run = runs_of(driver)[SEARCH_ITSELF]
        names = [item.path for item in client.list_artifacts(run.info.run_id)]
        assert sorted(names) == ["report.html", "study.yaml"]
        folder = driver.workspace.folder / "mlflow-artifacts" / run.info.run_id / "artifacts"
        text = (folder / "report.html").read_text()
        assert "<title>demo" in text
        assert "Plotly.newPlot" in text
        assert yaml.safe_load((folder / "study.yaml").read_text())["name"] == "demo"
        [images] = run.inputs.dataset_inputs
        assert (images.dataset.name, images.dataset.digest) == ("digits", IDENTITY["data"][:36])
        assert run.data.tags["vaesearch.code"] == IDENTITY["code"]

    def test_it_is_written_again_when_something_is_new_and_not_too_often(
        self, driver: Driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written: list[str] = []
        monkeypatch.setattr(MlflowRuns, "add_files", lambda *given: written.extend(given[2]))
        mirror = driver.mirror()

        def shown(is_last: bool) -> int:
            written.clear()
            mirror.flush()
            mirror.show(is_last)
            return len(written)

        driver.whole_trial()
        assert shown(is_last=False) == 2
        driver.whole_trial()
        assert shown(is_last=False) == 0  # a minute has not passed
        assert shown(is_last=True) == 2
        assert shown(is_last=True) == 0  # nothing is new

    def test_one_that_cannot_be_made_holds_up_no_figures(
        self, driver: Driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("search.report.page.page", lambda *_: 1 / 0)
        with projecting(driver.reader, driver.writer, driver.workspace, pytest.fail):
            driver.whole_trial()
        assert_like_the_study(driver)

    def test_a_driver_that_ends_does_not_say_that_it_runs(self, driver: Driver) -> None:
        driver.whole_trial()
        mirror = driver.mirror()
        mirror.flush(is_last=True)
        mirror.show(is_last=True)
        run_id = runs_of(driver)[SEARCH_ITSELF].info.run_id
        folder = driver.workspace.folder / "mlflow-artifacts" / run_id / "artifacts"
        assert "still running" not in (folder / "report.html").read_text()


class TestFront:
    def test_its_members_are_found_by_a_filter_with_what_they_contribute(
        self, driver: Driver
    ) -> None:
        driver.writer.prepare(CEILING)
        driver.whole_trial(fid=53.0)
        driver.whole_trial(TrialState.PRUNED, fid=43.0)  # a better FID and a worse TVD
        driver.whole_trial(fid=44.0)  # beaten by the second
        driver.mirror().flush()
        whole = 50 * 0.5 + 10 * 0.49
        shares = f"{1 - 60 * 0.49 / whole:.4f}", f"{1 - 50 * 0.5 / whole:.4f}"
        assert on_front(driver) == {0: ("3", shares[0]), 1: ("3", shares[1])}
        assert "front.on_front" not in runs_of(driver)[2].data.tags

    def test_one_that_is_beaten_later_leaves_it_also_after_a_restart(self, driver: Driver) -> None:
        driver.writer.prepare(CEILING)
        driver.whole_trial(fid=53.0)
        driver.mirror().flush()
        assert on_front(driver) == {0: ("3", "1.0000")}
        trial, attempt = driver.begin()
        better = Measurement(2, {"fid": 20.0, "tvd": 0.1}, START)
        driver.writer.record(trial, attempt, [better])
        driver.mirror().flush()
        assert on_front(driver) == {1: ("2", "1.0000")}
        assert runs_of(driver)[0].data.tags["front.on_front"] == "false"

    def test_it_is_right_when_the_driver_ends(self, driver: Driver) -> None:
        mirror = driver.mirror()
        driver.whole_trial(fid=53.0)
        mirror.flush()
        trial = driver.whole_trial(fid=10.0)
        mirror.flush(is_last=True)
        assert set(on_front(driver)) == {0, trial}
        assert on_front(driver)[trial] == ("3", "")  # nothing was prepared to measure it against

    def test_a_tag_that_did_not_change_is_not_sent_again(
        self, driver: Driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        driver.whole_trial()
        driver.mirror().flush(is_last=True)
        sent: list[str] = []
        monkeypatch.setattr(MlflowRuns, "log", lambda self, run_id, *_, **tags: sent.append(run_id))
        driver.mirror().flush(is_last=True)
        assert sent == [runs_of(driver)[SEARCH_ITSELF].info.run_id]  # it is opened anew


class TestStates:
    @pytest.mark.parametrize(
        ("state", "status"),
        [("complete", "FINISHED"), ("pruned", "KILLED"), ("failed", "FAILED")],
    )
    def test_an_ended_trial_ends_its_run(self, driver: Driver, state: str, status: str) -> None:
        trial = driver.whole_trial(TrialState(state))
        driver.mirror().flush()
        run = runs_of(driver)[trial]
        assert run.info.status == status
        assert run.info.end_time == int((driver.writer.trial(trial).finished_at or 0) * 1000)
        assert run.data.tags["vaesearch.state"] == state
        assert run.data.tags["vaesearch.reason"] == f"why {trial}"

    def test_nothing_says_running_when_no_driver_runs(self, driver: Driver) -> None:
        with projecting(driver.reader, driver.writer, driver.workspace, pytest.fail):
            trial, attempt = driver.begin()
            driver.train(trial, attempt, range(1, 2))
        runs = runs_of(driver)
        assert runs[trial].info.status == runs[SEARCH_ITSELF].info.status == "SCHEDULED"
        driver.writer.release_trial(trial, attempt, "interrupted")
        driver.writer.start_attempt(driver.writer.trial(trial))
        driver.mirror().flush()
        runs = runs_of(driver)
        assert runs[trial].info.status == runs[SEARCH_ITSELF].info.status == "RUNNING"

    def test_a_whole_search_is_finished_and_can_be_extended(self, driver: Driver) -> None:
        for _ in range(3):
            driver.whole_trial()
        with projecting(driver.reader, driver.writer, driver.workspace, pytest.fail):
            pass
        assert {run.info.status for run in runs_of(driver).values()} == {"FINISHED"}
        extended = make_config(None, budget={"trials": 4, "epochs": 3})
        driver.writer.change_config(extended, "changed", {})
        driver.mirror().flush()
        parent = runs_of(driver)[SEARCH_ITSELF]
        assert parent.info.status == "RUNNING"
        assert parent.data.tags["vaesearch.budget_trials"] == "4"

    def test_runs_left_running_by_a_killed_driver_are_ended_by_the_next(
        self, workspace: Workspace
    ) -> None:
        with driving(workspace, make_config(None)) as first:
            trial, attempt = first.begin()
            first.mirror().flush()  # and dies
        with driving(workspace, make_config(None)) as second:
            attempt = second.writer.start_attempt(second.writer.trial(trial))
            second.train(trial, attempt, range(1, 4))
            second.writer.finish(trial, attempt, TrialState.COMPLETE)
            second.mirror().flush(is_last=True)
            assert runs_of(second)[trial].info.status == "FINISHED"
            assert_like_the_study(second)
