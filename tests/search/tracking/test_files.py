"""Pictures and models of trials in MLflow: real MLflow, files as workers leave them."""

import io
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

from search.showcase import Showcase
from search.study.projections import SEARCH_ITSELF, Projections
from search.tracking.client import MlflowRuns
from search.trial import Measurement, TrialState
from tests.search.tracking.mlflow_study import (
    PNG,
    START,
    Driver,
    assert_like_the_study,
    make_client,
    runs_of,
)

PICTURES = {"samples.png": PNG, "reconstructions.png": PNG + b"2"}


def test_pictures_arrive_once_a_trial_has_ended(driver: Driver) -> None:
    trial, attempt = driver.begin()
    row = io.BytesIO()
    Image.new("L", (30, 30)).save(row, format="PNG")
    strips = {f"strip-00000{epoch}.png": row.getvalue() for epoch in (1, 3)}
    driver.store.save(trial, attempt, (3, 0), {**PICTURES, **strips}, {})
    driver.train(trial, attempt, range(1, 4))
    mirror, client = driver.mirror(), make_client(driver)
    mirror.flush()
    run_id = runs_of(driver)[trial].info.run_id
    assert client.list_artifacts(run_id) == []
    driver.writer.finish(trial, attempt, TrialState.COMPLETE)
    mirror.flush()
    names = [item.path for item in client.list_artifacts(run_id)]
    assert sorted(names) == ["reconstructions.png", "samples.png", "samples_over_epochs.png"]
    folder = driver.workspace.folder / "mlflow-artifacts" / run_id / "artifacts"
    assert (folder / "samples.png").read_bytes() == PNG
    assert Image.open(folder / "samples_over_epochs.png").size[1] == 2 * 60


class TestModels:
    """What a worker made of the front's models, in the store."""

    MADE: ClassVar = {
        "decoder/MLmodel": b"flavors",
        "decoder/data/model.keras": b"PK",
        "latents.png": PNG,
    }

    def test_those_of_the_front_arrive_when_the_driver_ends_and_once(
        self, driver: Driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        best, beaten = driver.whole_trial(fid=40.0), driver.whole_trial(fid=60.0)
        showcase = Showcase(driver.workspace.store(driver.reader.record().config), driver.reader.id)
        for trial in (beaten, best):
            for epoch in (2, 3):
                showcase.add(trial, epoch, self.MADE)
        mirror, client = driver.mirror(), make_client(driver)
        mirror.flush()
        mirror.show()
        runs = runs_of(driver)
        assert client.list_artifacts(runs[best].info.run_id) == []
        self.end(driver)
        assert client.list_artifacts(runs[beaten].info.run_id) == []
        [folder] = client.list_artifacts(runs[best].info.run_id)
        assert folder.path == "epoch-000003"
        artifacts = driver.workspace.folder / "mlflow-artifacts" / runs[best].info.run_id
        for name, content in self.MADE.items():
            assert (artifacts / "artifacts" / folder.path / name).read_bytes() == content
        sent: list[str] = []
        monkeypatch.setattr(MlflowRuns, "add_files", lambda _, run, *__: sent.append(run))
        self.end(driver)
        assert runs[best].info.run_id not in sent

    def test_an_empty_mlflow_gets_them_again(self, driver: Driver) -> None:
        best = driver.whole_trial()
        store = driver.workspace.store(driver.reader.record().config)
        Showcase(store, driver.reader.id).add(best, 3, self.MADE)
        self.end(driver)
        make_client(driver).delete_run(runs_of(driver)[best].info.run_id)
        self.end(driver)
        run = runs_of(driver)[best]
        assert run.data.tags["front.shown"] == "3"
        [folder] = make_client(driver).list_artifacts(run.info.run_id)
        assert folder.path == "epoch-000003"

    def test_telling_all_of_it_again_sends_no_model_twice(
        self, driver: Driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        best = driver.whole_trial()
        store = driver.workspace.store(driver.reader.record().config)
        Showcase(store, driver.reader.id).add(best, 3, self.MADE)
        self.end(driver)
        rows = Projections(driver.reader.engine, driver.reader.id)
        rows.forget(rows.read())
        sent: list[str] = []
        monkeypatch.setattr(MlflowRuns, "add_files", lambda _, run, *__: sent.append(run))
        self.end(driver)
        parent = runs_of(driver)[SEARCH_ITSELF].info.run_id
        assert sent == [parent]

    def test_a_trial_that_left_the_front_unseen_is_told_so(self, driver: Driver) -> None:
        beaten = driver.whole_trial(fid=60.0)
        self.end(driver)
        rows = Projections(driver.reader.engine, driver.reader.id)
        rows.forget(rows.read())
        trial, attempt = driver.begin()
        better = Measurement(1, {"fid": 1.0, "tvd": 0.1}, START)
        driver.writer.record(trial, attempt, [better])
        driver.writer.finish(trial, attempt, TrialState.COMPLETE)
        self.end(driver)
        assert runs_of(driver)[beaten].data.tags["front.on_front"] == "false"

    def test_a_tag_that_is_no_list_of_epochs_means_that_nothing_is_shown(
        self, driver: Driver
    ) -> None:
        best = driver.whole_trial()
        store = driver.workspace.store(driver.reader.record().config)
        Showcase(store, driver.reader.id).add(best, 3, self.MADE)
        mirror = driver.mirror()
        mirror.flush()
        run_id = runs_of(driver)[best].info.run_id
        make_client(driver).set_tag(run_id, "front.shown", "1… (9,000 characters)")
        self.end(driver)
        assert runs_of(driver)[best].data.tags["front.shown"] == "3"

    def test_a_store_that_does_not_answer_holds_up_nothing(self, driver: Driver) -> None:
        best = driver.whole_trial()
        store = driver.workspace.store(driver.reader.record().config)
        Showcase(store, driver.reader.id).add(best, 3, self.MADE)
        for path in Path(store).rglob("latents.png"):
            path.unlink()
        self.end(driver)
        assert "front.shown" not in runs_of(driver)[best].data.tags
        assert_like_the_study(driver)

    @staticmethod
    def end(driver: Driver) -> None:
        mirror = driver.mirror()
        mirror.flush(is_last=True)
        mirror.show(is_last=True)
