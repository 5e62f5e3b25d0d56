"""Models in MLflow's registry. Real MLflow, real Keras, no Ray."""

from types import SimpleNamespace

import numpy as np
import pytest

from search.errors import NotFoundError, TrackerError
from search.tracking.client import MlflowRuns
from search.tracking.registry import Registered, register
from tests.search.tracking.mlflow_study import Driver, make_client, runs_of
from vaemodels import DenseConfig, VAEConfig, build
from vaemodels.functional import functional_decoder, functional_encoder


def registered(
    driver: Driver, trial: int, name: str = "digits"
) -> tuple[SimpleNamespace, dict[str, Registered]]:
    config = DenseConfig((6,))
    vae = build(VAEConfig((8, 8, 1), 3, encoder=config, decoder=config))
    models = {"encoder": functional_encoder(vae), "decoder": functional_decoder(vae)}
    runs = MlflowRuns(driver.uri, driver.workspace.artifacts, driver.reader.id)
    made = register(runs, trial, 7, models, name, {"fid": "6.25"})
    return SimpleNamespace(vae=vae), made


def test_a_registered_model_is_loaded_by_mlflow_and_belongs_to_its_trials_run(
    driver: Driver,
) -> None:
    import mlflow

    trial = driver.whole_trial()
    driver.mirror().flush()
    known, made = registered(driver, trial)
    assert [version.uri for version in made.values()] == [
        "models:/digits-encoder/1",
        "models:/digits-decoder/1",
    ]
    mlflow.set_tracking_uri(driver.uri)
    z = np.ones((2, 3), "float32")
    decoder = mlflow.keras.load_model(made["decoder"].uri)
    np.testing.assert_allclose(decoder(z), known.vae.decode(z), atol=1e-6)
    client = make_client(driver)
    version = client.get_model_version("digits-decoder", "1")
    assert (version.run_id, version.tags) == (runs_of(driver)[trial].info.run_id, {"fid": "6.25"})
    [folder] = client.list_artifacts(version.run_id)
    assert folder.path == "epoch-000007"


def test_again_it_is_another_version(driver: Driver) -> None:
    trial = driver.whole_trial()
    driver.mirror().flush()
    registered(driver, trial)
    _, again = registered(driver, trial)
    assert again["encoder"] == Registered("digits-encoder", 2)


def test_a_name_that_mlflow_refuses_leaves_nothing_behind(driver: Driver) -> None:
    trial = driver.whole_trial()
    driver.mirror().flush()
    with pytest.raises(TrackerError, match="Names cannot contain"):
        registered(driver, trial, "a/b")
    client = make_client(driver)
    assert client.list_artifacts(runs_of(driver)[trial].info.run_id) == []
    assert registered(driver, trial, "it's")[1]["encoder"].name == "it's-encoder"


def test_a_trial_that_mlflow_does_not_know_is_refused(driver: Driver) -> None:
    with pytest.raises(NotFoundError, match=r"no run of trial 5.*`vaesearch sync`"):
        registered(driver, 5)
