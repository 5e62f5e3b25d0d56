"""Models in MLflow's registry, where any process with Keras and MLflow can load them."""

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from search.errors import NotFoundError
from search.tracking.client import MlflowRuns
from search.tracking.front_files import model_place
from search.tracking.saved_models import save_model


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Registered:
    """A version of a model in the registry.

    Attributes:
        name: Of the model.
        version: Its number.
    """

    name: str
    version: int

    @property
    def uri(self) -> str:
        """What `mlflow.keras.load_model` takes."""
        return f"models:/{self.name}/{self.version}"


def register(
    runs: MlflowRuns,
    trial: int,
    epoch: int,
    models: Mapping[str, Any],
    name: str,
    tags: Mapping[str, str],
) -> dict[str, Registered]:
    """Adds models to a trial's run and, as new versions, to the registry.

    Args:
        runs: MLflow.
        trial: Its number.
        epoch: After which the models are as they are.
        models: Part -> functional Keras model of stock layers.
        name: In the registry the models are called after it: `name-encoder`.
        tags: Of each version.

    Returns:
        Part -> version.

    Raises:
        NotFoundError: If MLflow has no run of the trial.
        TrackerError: If MLflow cannot be reached or refuses something.
    """
    found = runs.open().get(trial)
    if not found:
        raise NotFoundError(
            f"MLflow has no run of trial {trial} to put it in. `vaesearch sync` writes what is "
            "missing there."
        )
    versions = {}
    for part, model in models.items():
        with tempfile.TemporaryDirectory(prefix="vaesearch-") as folder:
            path = Path(folder) / part
            save_model(model, path)
            place = f"{model_place(epoch)}/{part}"
            number = runs.register(found[0].id, path, place, f"{name}-{part}", tags)
        versions[part] = Registered(f"{name}-{part}", number)
    return versions
