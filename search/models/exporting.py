"""Taking a model home: its weights and config, and a few lines of Python that use them."""

import dataclasses
from pathlib import Path
from typing import Any, final

from search.config import StudyConfig
from search.errors import SearchError
from search.models.images import load_images
from search.models.params import own_sampler
from search.models.stored import candidate_files, check_folder, chosen_epoch, load_candidate
from search.store import TrialStore
from search.trial import Params
from vaemodels.config import LatentSamplerConfig
from vaemodels.latents.files import save_sampler

_EXAMPLE = '''"""Uses the model of this folder: draws images from it, and rebuilds given ones.

Needs the package `vaesearch`, which brings `vaemodels`.
"""

from pathlib import Path

import numpy as np

import vaemodels

here = Path(__file__).parent
vae = vaemodels.load(here)
sampler = vaemodels.load_sampler(here, vae)
print(f"{vae.num_parameters:,} parameters, images of {vae.config.image_shape}")

noise = np.random.default_rng(0).standard_normal((16, sampler.noise_width)).astype("float32")
z = sampler.draw(noise)
images = np.asarray(vae.decode(z))  # (16, height, width, channels), in [0, 1]
print("generated", images.shape, "mean pixel", images.mean())

rebuilt = np.asarray(vae.reconstruct(images))  # any images in [0, 1] of the model's shape
print("rebuilt", rebuilt.shape)

np.save(here / "generated.npy", images)
'''


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Chosen:
    """What a user asks for.

    Attributes:
        trial: Its number.
        epoch: None for the last one that is kept.
        sampler: A latent sampler, such as "prior*100"; "" for the trial's own.
        params: Of the trial, with what is fixed.
    """

    trial: int
    epoch: int | None
    sampler: str
    params: Params


def export(
    store: TrialStore,
    config: StudyConfig,
    cache: Path,
    chosen: Chosen,
    out: Path,
) -> int:
    """Writes one candidate into a folder: config, weights, latent sampler, example.py.

    Args:
        store: Of the search.
        config: The study file.
        cache: Of the workspace; the images in it, to which some latent samplers are fitted.
        chosen: The candidate.
        out: A new or empty folder.

    Returns:
        The epoch.

    Raises:
        NotFoundError: If the trial or the epoch's weights are not kept.
        SearchError: If the folder holds something or cannot be written, or the latent sampler is
            not one of this model.
    """
    name, trial, epoch = config.name, chosen.trial, chosen.epoch
    epoch = chosen_epoch(store, name, trial, epoch)
    files = candidate_files(store, trial, epoch)
    assert files is not None  # it was just found there
    check_folder(out)
    sampler, codes = _sampler(store, config, cache, chosen, epoch)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "config.json").write_bytes(files[0])
        (out / "weights.npz").write_bytes(files[1])
        (out / "example.py").write_text(_EXAMPLE)
        save_sampler(sampler, codes, out)
    except OSError as error:
        raise SearchError(f"Cannot write to {out}: {error.strerror}.") from error
    return epoch


def _sampler(
    store: TrialStore, config: StudyConfig, cache: Path, chosen: Chosen, epoch: int
) -> tuple[LatentSamplerConfig, Any]:
    """Returns the latent sampler, and the codes that it is fitted to."""
    own = own_sampler(chosen.params)
    try:
        sampler = LatentSamplerConfig.parse(chosen.sampler) if chosen.sampler else own
        dataset = load_images(config, cache)
        model = load_candidate(store, dataset, chosen.trial, epoch)
        assert model is not None  # its files were just read
        model.latent_sampler(sampler)
    except ValueError as error:
        raise SearchError(str(error)) from error
    return sampler, None if sampler.kind == "prior" else model.codes()
