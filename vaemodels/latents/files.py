"""Saved latent samplers: `sampler.json`, and `codes.npz` where a density is fitted to codes."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.config import LatentSamplerConfig
from vaemodels.latents.fitted import FittedSampler

_DESCRIPTION, _CODES = "sampler.json", "codes.npz"


def save_sampler(
    config: LatentSamplerConfig, codes: NDArray[np.float32] | None, folder: Path
) -> None:
    """Writes what `load_sampler` needs besides the model.

    Args:
        config: Which sampler.
        codes: Draws of training images' posteriors, None for the prior.
        folder: An existing folder.
    """
    description = {"latent_sampler": str(config), "num_components": config.num_components}
    (folder / _DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
    if codes is not None:
        np.savez_compressed(folder / _CODES, codes=codes)


def load_sampler(folder: Path, vae: Any) -> FittedSampler:
    """Returns the latent sampler that `save_sampler` wrote, of a model.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If one is damaged.
    """
    try:
        description = json.loads((folder / _DESCRIPTION).read_text())
        config = LatentSamplerConfig.parse(description["latent_sampler"])
        config = dataclasses.replace(config, num_components=description["num_components"])
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"Invalid file {folder / _DESCRIPTION}. Received: {error!r}.") from error
    if config.kind == "prior":
        return FittedSampler(config, vae, None)
    with np.load(folder / _CODES, allow_pickle=False) as arrays:
        return FittedSampler(config, vae, arrays["codes"])
