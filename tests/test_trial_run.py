"""One trial in a worker, without Ray: real images, real training, a real store."""

from collections.abc import Callable

import mlflow
import numpy as np
import psutil
import pytest

import vaemodels
from search.errors import NotFoundError, SearchError, StoreError
from search.models.remeasure import remeasure
from search.models.showing import show
from search.models.stored import candidate_files, kept_epochs, load_candidate
from search.models.vocabulary import COSTS
from search.showcase import Showcase
from tests.workers import PARAMS, Worker, figures, measured, rounds, take

# An attempt that is stopped between epochs, one inside of an epoch, and the rest.
STOPS: list[Callable] = [
    lambda trainer: trainer.epoch == 2,
    lambda trainer: trainer.step > 0,
    lambda _: False,
]
NOISE = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)


@pytest.fixture
def work(tmp_path, folders) -> Callable[..., Worker]:
    return lambda **changes: Worker(tmp_path / "store", folders, **changes)


def test_a_trial_reports_every_epoch_and_ends_complete(work):
    found = list(rounds(work().attempt()))
    assert [item.outcome for item in found] == [None, None, None, "complete"]
    assert [[m.epoch for m in item.measurements] for item in found] == [[1], [2], [3], [4]]
    assert all(item.has(("fid", "tvd", "elbo", "kl_loss")) for item in found[0].measurements)


def test_epochs_between_measured_ones_have_their_losses_alone(work):
    measure = {"every_epochs": 3, "num_images": 200}
    found = list(rounds(work(measure=measure).attempt()))
    assert [[m.epoch for m in item.measurements] for item in found] == [[1, 2, 3], [4]]
    assert ["fid" in m.metrics for item in found for m in item.measurements] == [False] * 2 + [
        True
    ] * 2
    assert all("train_loss" in m.metrics for item in found for m in item.measurements)


def test_interruptions_change_no_figure(tmp_path, folders):
    whole = measured(Worker(tmp_path / "whole", folders).attempt())
    worker = Worker(tmp_path / "torn", folders)
    between = list(rounds(worker.attempt(lambda trainer: trainer.epoch == 2)))
    assert (between[-1].outcome, between[-1].measurements) == ("interrupted", [])
    inside = list(rounds(worker.attempt(lambda trainer: trainer.step > 0)))
    assert inside[-1].outcome == "interrupted"
    checkpoint = worker.store.newest(0)
    assert checkpoint is not None
    assert (checkpoint.epoch, checkpoint.step > 0) == (2, True)
    assert measured(worker.attempt()) == whole


def test_a_row_of_samples_of_every_measured_epoch_survives_interruptions(tmp_path, folders):
    kept = []
    for name, stops in (("whole", [lambda _: False]), ("torn", STOPS)):
        worker = Worker(tmp_path / name, folders)
        for stop in stops:
            list(rounds(worker.attempt(stop)))
        checkpoint = worker.store.newest(0)
        assert checkpoint is not None
        names = sorted(name for name in checkpoint.objects if name.startswith("strip-"))
        kept.append({name: worker.store.read(checkpoint, name) for name in names})
    assert list(kept[0]) == [f"strip-{epoch:06d}.png" for epoch in range(1, 5)]
    assert kept[0] == kept[1]
    assert len(set(kept[0].values())) == 4


def test_costs_are_measured_with_every_epoch(work):
    found = [item for one in rounds(work().attempt()) for item in one.measurements]
    for measurement in found:
        costs = {name: measurement.metrics[name] for name in COSTS & {*measurement.metrics}}
        assert set(costs) == {"train_seconds", "images_per_second", "peak_memory_mb"}
        assert 100 < costs["peak_memory_mb"] < psutil.virtual_memory().total / 2**20
    first, last = found[0].metrics, found[-1].metrics
    num_images = 4 * (found[0].metrics["images_per_second"] * first["train_seconds"])
    mean = num_images / last["train_seconds"]
    speeds = [item.metrics["images_per_second"] for item in found]
    assert min(speeds) <= mean * (1 + 1e-9)
    assert mean <= max(speeds) * (1 + 1e-9)


def test_the_first_round_repeats_what_earlier_attempts_measured(work):
    worker = work()
    first = list(rounds(worker.attempt(lambda trainer: trainer.epoch == 2)))
    told = [item for found in first for item in found.measurements]
    second = worker.attempt().next_round()
    assert [(m.epoch, m.attempt) for m in second.measurements] == [(1, 1), (2, 1), (3, 2)]
    assert second.measurements[:2] == told


def test_a_trial_whose_last_report_was_lost_reports_it_again(work):
    worker = work()
    whole = measured(worker.attempt())
    again = worker.attempt().next_round()
    assert again.outcome == "complete"
    assert figures(again.measurements) == whole


@pytest.mark.parametrize(
    ("objectives", "expected"),
    [
        ({"reconstruction_loss": "minimize"}, [4]),
        ({"reconstruction_loss": "maximize"}, [1, 4]),
        ({"reconstruction_loss": "minimize", "train_seconds": "minimize"}, [1, 2, 3, 4]),
    ],
)
def test_the_weights_of_the_best_epochs_and_the_last_are_kept(work, objectives, expected):
    worker = work(objectives=objectives)
    losses = [values["reconstruction_loss"] for values in measured(worker.attempt()).values()]
    assert losses == sorted(losses, reverse=True), "the cases above rest on this"
    assert kept_epochs(worker.store.newest(0)) == expected
    assert candidate_files(worker.store, 0, 4) is not None
    assert (candidate_files(worker.store, 0, 2) is not None) is (2 in expected)


def test_weights_of_an_earlier_attempt_are_kept_by_the_next(work):
    worker = work(objectives={"reconstruction_loss": "maximize"})
    list(rounds(worker.attempt(lambda trainer: trainer.epoch == 2)))
    first = candidate_files(worker.store, 0, 1)
    list(rounds(worker.attempt()))
    checkpoint = worker.store.newest(0)
    assert checkpoint is not None
    assert (checkpoint.attempt, kept_epochs(checkpoint)) == (2, [1, 4])
    assert candidate_files(worker.store, 0, 1) == first


def test_a_trial_that_diverges_fails_with_the_reason(work):
    fixed = {"widths": [12], "learning_rate": 1e30}
    found = list(rounds(work(fixed=fixed).attempt()))
    assert found[-1].outcome == "failed"
    assert "the loss became " in (found[-1].reason or "")
    assert "in epoch 1" in (found[-1].reason or "")


def test_a_store_that_refuses_is_no_fault_of_the_trial(tmp_path, folders):
    (tmp_path / "file").write_text("where a folder should be")
    with pytest.raises(StoreError, match=r"store.*file/id"):
        Worker(tmp_path / "file", folders).attempt().next_round()


def test_kept_weights_give_the_very_same_images(work, tmp_path):
    worker = work(objectives={"reconstruction_loss": "maximize"})
    run, seen = worker.attempt(), {}
    for found in rounds(run):
        seen[found.measurements[-1].epoch] = np.asarray(run._training._trainer.vae.decode(NOISE))
    for epoch in (1, 4):
        model = load_candidate(worker.store, worker.folders.images(), 0, epoch)
        assert model is not None
        np.testing.assert_array_equal(model.vae.decode(NOISE), seen[epoch])
        assert take(worker, tmp_path / str(epoch), epoch=epoch) == epoch
        np.testing.assert_array_equal(
            vaemodels.load(tmp_path / str(epoch)).decode(NOISE), seen[epoch]
        )


def test_test_figures_are_those_of_kept_weights_and_repeat_themselves(work, tmp_path):
    worker = work()
    list(rounds(worker.attempt()))
    wanted = [(0, 4), (0, 99), (7, 1)]
    store = str(tmp_path / "store")
    params = {0: worker.config.model_params(PARAMS), 7: {}}
    found = remeasure(worker.config, "id", store, worker.folders, wanted, params)
    assert list(found) == [(0, 4)]
    assert {"fid", "tvd", "max_class_gap", "reconstruction_loss", "kl_loss"} <= set(found[0, 4])
    assert remeasure(worker.config, "id", store, worker.folders, wanted, params) == found


def test_what_is_shown_of_a_front_member_is_pictures_and_models_that_mlflow_loads(work, tmp_path):
    worker = work()
    list(rounds(worker.attempt()))
    store, params = str(tmp_path / "store"), {0: worker.config.model_params(PARAMS)}
    assert show(worker.config, "id", store, worker.folders, [(0, 4), (0, 99)], params) == 2
    reason = b"NotFoundError: The store keeps no weights of it.\n"
    assert Showcase(store, "id").read(0, 99) == {"error.txt": reason}
    shown = Showcase(store, "id").read(0, 4)
    pictures = {name: content for name, content in shown.items() if name.endswith(".png")}
    assert set(pictures) == {"latent_space.png", "latent_use.png", "manifold.png"}
    for name, content in shown.items():
        path = tmp_path / "shown" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    model = load_candidate(worker.store, worker.folders.images(), 0, 4)
    assert model is not None
    decoder = mlflow.keras.load_model(str(tmp_path / "shown" / "decoder"))
    np.testing.assert_allclose(decoder(NOISE), model.vae.decode(NOISE), atol=1e-6)
    images = worker.folders.images().test.images[:3] / 16.0
    encoder = mlflow.keras.load_model(str(tmp_path / "shown" / "encoder"))
    codes = np.asarray(encoder(images.astype(np.float32)))
    np.testing.assert_allclose(codes, model.inference.encode(images), atol=1e-5)


def test_of_a_model_that_cannot_be_drawn_the_reason_is_shown(work, tmp_path, monkeypatch):
    worker = work()
    list(rounds(worker.attempt()))
    store, params = str(tmp_path / "store"), {0: worker.config.model_params(PARAMS)}
    monkeypatch.setattr("search.models.showing.draw_latent_pictures", lambda *_: 1 / 0)
    assert show(worker.config, "id", store, worker.folders, [(0, 4)], params) == 1
    assert Showcase(store, "id").read(0, 4) == {
        "error.txt": b"ZeroDivisionError: division by zero\n"
    }


def test_export_takes_the_last_epoch_unless_told_otherwise(work, tmp_path):
    worker = work(objectives={"reconstruction_loss": "maximize"})
    list(rounds(worker.attempt()))
    assert take(worker, tmp_path / "model") == 4
    names = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert names == ["config.json", "example.py", "sampler.json", "weights.npz"]
    with pytest.raises(SearchError, match="is there already and not empty"):
        take(worker, tmp_path / "model")
    with pytest.raises(NotFoundError, match=r"keeps the weights of epochs 1, 4.*Not of epoch 2"):
        take(worker, tmp_path / "other", epoch=2)
    with pytest.raises(NotFoundError, match="keeps no weights of trial 3"):
        take(worker, tmp_path / "other", trial=3)
    with pytest.raises(SearchError, match="Cannot write to"):
        take(worker, tmp_path / "model" / "config.json" / "deeper")
