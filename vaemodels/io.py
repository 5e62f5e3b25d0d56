"""Saved models: a folder with `config.json` and `weights.npz`. No pickle anywhere."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vaemodels.building import build
from vaemodels.config import VAEConfig
from vaemodels.own import allow_code
from vaemodels.vae import VAE


def to_arrays(prefix: str, variables: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """Returns the values of variables under the names `<prefix>_000`, `<prefix>_001`, ..."""
    return {f"{prefix}_{i:03d}": np.asarray(v) for i, v in enumerate(variables)}


def assign_arrays(prefix: str, variables: Sequence[Any], arrays: Mapping[str, Any]) -> None:
    """Sets variables from what `to_arrays` gave.

    Raises:
        ValueError: If number or shapes differ; then nothing was set.
    """
    names = [f"{prefix}_{i:03d}" for i in range(len(variables))]
    stored = sorted(name for name in arrays if name.rsplit("_", 1)[0] == prefix)
    if stored != sorted(names):
        raise ValueError(
            f"Invalid stored weights. Expected {len(names)} arrays named {prefix}_*. "
            f"Received: {len(stored)}. The file belongs to another model."
        )
    values = [arrays[name] for name in names]
    for name, variable, value in zip(names, variables, values, strict=True):
        if tuple(variable.shape) != value.shape:
            raise ValueError(
                f"Invalid stored weights. Expected shape {tuple(variable.shape)} for `{name}`. "
                f"Received: shape={value.shape}. The file belongs to another model."
            )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def read_npz(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """Returns the arrays of an .npz file.

    Raises:
        ValueError: If it is damaged or no .npz file.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    # "Damaged" has many names (BadZipFile, EOFError, KeyError, ...) without a common base.
    except Exception as error:
        raise ValueError(
            f"Invalid file of weights. Expected a complete .npz file. Received: {error}. "
            "Use another copy."
        ) from error


def write_weights(vae: VAE, file: BinaryIO) -> None:
    """Writes the weights of a model, without config, as .npz."""
    np.savez(file, **to_arrays("weight", vae.weights))  # type: ignore[arg-type]


def read_weights(vae: VAE, file: BinaryIO) -> None:
    """Sets the weights of a model from what `write_weights` wrote.

    Raises:
        ValueError: If the file is damaged or belongs to a model of another shape.
    """
    assign_arrays("weight", vae.weights, read_npz(file))


def save(vae: VAE, folder: str | os.PathLike[str]) -> None:
    """Writes `config.json` and `weights.npz` into a folder, which is made if needed."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    with (path / "weights.npz").open("wb") as file:
        write_weights(vae, file)
    (path / "config.json").write_text(json.dumps(vae.config.to_json(), indent=2) + "\n")


def load(folder: str | os.PathLike[str], code: str | os.PathLike[str] | None = None) -> VAE:
    """Returns the model that `save` wrote into a folder.

    Args:
        folder: What it was written into.
        code: Folder of the modules from which parts of the model come, if there are any. They are
            imported, so trust them; without `code` nothing is run.

    Raises:
        FileNotFoundError: If one of the two files is missing.
        ValueError: If one is damaged, or the two do not belong together.
    """
    path = Path(folder)
    if code is not None:
        allow_code(code)
    try:
        config = VAEConfig.from_json(json.loads((path / "config.json").read_text()))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"Invalid file `{path / 'config.json'}`. Expected JSON. Received: {error}."
        ) from error
    with (path / "weights.npz").open("rb") as file:
        vae = build(config)
        read_weights(vae, file)
    return vae
