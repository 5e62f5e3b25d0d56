"""Keras models in MLflow's format."""

import importlib.metadata
from pathlib import Path
from typing import Any, Final

from search.tracking.client import translated

# As they are now: MLflow would find out by loading the model in another process, for a minute.
_PACKAGES: Final = ("keras", "tensorflow", "mlflow")


def save_model(model: Any, path: Path) -> None:
    """Writes a functional Keras model of stock layers into a new folder, for
    `mlflow.keras.load_model`.

    Raises:
        TrackerError: If MLflow refuses the model, or the folder cannot be written.
    """
    with translated():
        import mlflow.keras

        needed = [f"{package}=={importlib.metadata.version(package)}" for package in _PACKAGES]
        mlflow.keras.save_model(model, str(path), pip_requirements=needed)
