"""Taking a model home: its weights and config, and a few lines of Python that use them."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any, final

from search.errors import NotFoundError, SearchError
from search.models.params import own_sampler
from search.models.stored import candidate_files, check_folder, load_candidate
from search.store import TrialStore
from search.trial import Params
from vaemodels.config import LatentSamplerConfig
from vaemodels.data import Dataset
from vaemodels.latents.files import save_sampler

_EXAMPLE = '''"""Uses the model of this folder: draws images from it, and rebuilds given ones.

Needs the package `vaesearch`, which brings `vaemodels`.
"""

from pathlib import Path

import numpy as np

import vaemodels

here = Path(__file__).parent
vae = vaemodels.load(here{code})
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
        epoch: One whose weights are kept.
        sampler: A latent sampler, such as "prior*100"; "" for the trial's own.
        params: Of the trial, with what is fixed.
    """

    trial: int
    epoch: int
    sampler: str
    params: Params


def export(
    store: TrialStore, belongings: tuple[Dataset, Path | None], chosen: Chosen, out: Path
) -> None:
    """Writes one candidate into a folder: config, weights, latent sampler, example.py, and the code
    of the user's that it needs.

    Args:
        store: Of the search.
        belongings: The search's images, to which some latent samplers are fitted, and the folder
            of its code, if it has any.
        chosen: The candidate.
        out: A new or empty folder.

    Raises:
        SearchError: If the folder holds something or cannot be written, the weights are not kept,
            or the latent sampler is not one of this model.
    """
    check_folder(out)
    files = candidate_files(store, chosen.trial, chosen.epoch)
    if files is None:
        raise NotFoundError(f"Trial {chosen.trial} keeps no weights of epoch {chosen.epoch}.")
    dataset, code = belongings
    sampler, codes = _sampler(store, dataset, chosen)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "config.json").write_bytes(files[0])
        (out / "weights.npz").write_bytes(files[1])
        if code is not None:
            shutil.copytree(code, out / "code", ignore=shutil.ignore_patterns("__pycache__"))
        argument = "" if code is None else ', code=here / "code"'
        (out / "example.py").write_text(_EXAMPLE.replace("{code}", argument))
        save_sampler(sampler, codes, out)
    except OSError as error:
        raise SearchError(f"Cannot write to {out}: {error.strerror}.") from error


def _sampler(
    store: TrialStore, dataset: Dataset, chosen: Chosen
) -> tuple[LatentSamplerConfig, Any]:
    """Returns the latent sampler, and the codes that it is fitted to."""
    own = own_sampler(chosen.params)
    try:
        sampler = LatentSamplerConfig.parse(chosen.sampler) if chosen.sampler else own
        model = load_candidate(store, dataset, chosen.trial, chosen.epoch)
        assert model is not None  # its files were just read
        model.latent_sampler(sampler)
    except ValueError as error:
        raise SearchError(str(error)) from error
    return sampler, None if sampler.kind == "prior" else model.codes()
