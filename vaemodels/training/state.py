"""The saved state of a training: one .npz file, arrays and a JSON header, no pickle."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, BinaryIO, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.io import read_npz

FORMAT = 1


@final
@dataclass(frozen=True)
class Header:
    """What of a training is not an array.

    Args:
        format: Version of the file's layout.
        config: The model, as `VAEConfig.to_json` gives it.
        training: As `TrainingConfig.to_json` gives it.
        num_images: Training images.
        scale: Value of a white pixel.
        epoch: Finished epochs.
        step: Finished steps of the epoch under way.
        train_seconds: Time spent in training steps.
        jit: Whether XLA compiles the steps.
    """

    format: int
    config: dict[str, Any]
    training: dict[str, Any]
    num_images: int
    scale: float
    epoch: int
    step: int
    train_seconds: float
    jit: bool


def write_state(file: BinaryIO, header: Header, arrays: dict[str, NDArray[Any]]) -> None:
    """Writes a state."""
    text = json.dumps(asdict(header), sort_keys=True).encode()
    np.savez(file, header=np.frombuffer(text, dtype=np.uint8), **arrays)  # type: ignore[arg-type]


def read_state(file: BinaryIO) -> tuple[Header, dict[str, NDArray[Any]]]:
    """Returns header and arrays of a state.

    Raises:
        ValueError: If the file is damaged, no state, or of another format.
    """
    arrays = read_npz(file)
    if "header" not in arrays:
        raise ValueError(
            "Invalid state of a training. Expected an array `header`. "
            f"Received: {sorted(arrays)[:3]}. Pass a file that `Trainer.save` wrote."
        )
    values = json.loads(arrays.pop("header").tobytes())
    if values.get("format") != FORMAT or set(values) != {field.name for field in fields(Header)}:
        raise ValueError(
            f"Invalid state of a training. Expected format {FORMAT}. "
            f"Received: format={values.get('format')!r}. Use the version that wrote it."
        )
    return Header(**values), arrays


def check_same_training(stored: Header, expected: Header) -> None:
    """Raises `ValueError` naming the first setting in which a state differs from a trainer.

    The budget may differ: a search may extend a training. How a result comes about may not.
    """
    for part in ("config", "training"):
        theirs, ours = getattr(stored, part), getattr(expected, part)
        for key in sorted({*theirs, *ours} - {"epochs"}):
            if theirs.get(key) != ours.get(key):
                _refuse(f"{part}.{key}", ours.get(key), theirs.get(key))
    for name in ("num_images", "scale"):
        if getattr(stored, name) != getattr(expected, name):
            _refuse(name, getattr(expected, name), getattr(stored, name))


def _refuse(name: str, expected: Any, received: Any) -> None:
    raise ValueError(
        f"Invalid state for this training. Expected {name}={expected!r}. "
        f"Received: {name}={received!r}. Restore it with the settings it was saved with."
    )
