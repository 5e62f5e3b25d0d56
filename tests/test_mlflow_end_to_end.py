"""What a real search leaves in MLflow beside its figures: the machine's load, pictures, models."""

import contextlib
import socket
import time
from pathlib import Path

import mlflow
import numpy as np
import psutil
import pytest
from mlflow import MlflowClient

from search.tracking.client import EXPERIMENT
from tests.running import DEADLINE_SECONDS, Command, running, share_cache

pytestmark = pytest.mark.slow

STUDY = """
name: small
dataset: digits
space:
  latent_dim: {type: int, low: 2, high: 8}
fixed: {widths: [24], batch_size: 64, learning_rate: 0.002}
budget: {trials: 1, epochs: 20}
measure: {every_epochs: 10, num_images: 1000}
seed: 5
"""


@pytest.fixture(scope="module")
def uri(tmp_path_factory) -> str:
    """Where MLflow's record of a search is that ran to its end, and left no process behind."""
    folder = tmp_path_factory.mktemp("search")
    share_cache(folder)
    (folder / "study.yaml").write_text(STUDY)
    with running(folder, "run", "study.yaml") as command:
        family = seen_until_it_ends(command)
        command.wait()
    assert family, "Ray's processes were not seen: the test looks in the wrong place"
    assert not psutil.wait_procs(family, 30)[1]
    return f"sqlite:///{folder / 'ws' / 'mlflow.db'}"


def seen_until_it_ends(command: Command) -> set[psutil.Process]:
    """Returns all processes that a command started."""
    family: set[psutil.Process] = set()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while command.process.poll() is None:
        assert time.monotonic() < deadline, command.output
        with contextlib.suppress(psutil.NoSuchProcess):
            family.update(psutil.Process(command.process.pid).children(recursive=True))
        time.sleep(0.05)
    return family


def runs(client: MlflowClient) -> dict[str, mlflow.entities.Run]:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def test_the_searchs_run_shows_the_load_of_the_machine_and_no_trials_run_does(uri):
    client = MlflowClient(uri)
    found = runs(client)
    cpu = f"system/{socket.gethostname()}/cpu_utilization_percentage"
    assert cpu in found["small"].data.metrics
    assert not [name for name in found["trial-00000"].data.metrics if name.startswith("system/")]
    points = client.get_metric_history(found["small"].info.run_id, cpu)
    assert all(0 <= point.value <= 100 and 0 <= point.step < 600 for point in points)


def test_the_run_of_a_front_member_holds_its_pictures_and_models_that_load(uri):
    client = MlflowClient(uri)
    run = runs(client)["trial-00000"]
    names = {item.path for item in client.list_artifacts(run.info.run_id)}
    pictures = {"samples.png", "reconstructions.png", "samples_over_epochs.png"}
    shown = run.data.tags["front.shown"]
    assert shown == run.data.tags["front.epochs"]
    places = {epoch: f"epoch-{int(epoch):06d}" for epoch in shown.split(",")}
    assert names == pictures | set(places.values())
    for place in places.values():
        files = {Path(item.path).name for item in client.list_artifacts(run.info.run_id, place)}
        assert {"encoder", "decoder", "latent_space.png", "latent_use.png"} <= files
    mlflow.set_tracking_uri(uri)
    decoder = mlflow.keras.load_model(f"runs:/{run.info.run_id}/{place}/decoder")
    latent_dim = int(run.data.params["latent_dim"])
    images = np.asarray(decoder(np.zeros((3, latent_dim), np.float32)))
    assert images.shape == (3, 8, 8, 1)
    assert (images >= 0).all()
    assert (images <= 1).all()
