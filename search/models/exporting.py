"""Taking a model home: its weights and config, and a few lines of Python that use them."""

from pathlib import Path

from search.errors import NotFoundError, SearchError
from search.models.remeasure import candidate_files, kept_epochs
from search.store import TrialStore

_EXAMPLE = '''"""Uses the model of this folder: draws images from it, and rebuilds given ones.

Needs the package `vaesearch`, which brings `vaemodels`.
"""

from pathlib import Path

import numpy as np

import vaemodels

here = Path(__file__).parent
vae = vaemodels.load(here)
print(f"{vae.num_parameters:,} parameters, images of {vae.config.image_shape}")

z = np.random.default_rng(0).standard_normal((16, vae.latent_dim)).astype("float32")
images = np.asarray(vae.decode(z))  # (16, height, width, channels), in [0, 1]
print("generated", images.shape, "mean pixel", images.mean())

rebuilt = np.asarray(vae.reconstruct(images))  # any images in [0, 1] of the model's shape
print("rebuilt", rebuilt.shape)

np.save(here / "generated.npy", images)
'''


def export(store: TrialStore, name: str, trial: int, epoch: int | None, out: Path) -> int:
    """Writes `config.json`, `weights.npz` and `example.py` of one candidate into a folder.

    Args:
        store: Of the search.
        name: Of the search, for errors.
        trial: The trial's number.
        epoch: Of the trial; None for the last one that is kept.
        out: A new or empty folder.

    Returns:
        The epoch.

    Raises:
        NotFoundError: If the trial or the epoch's weights are not kept.
        SearchError: If the folder holds something or cannot be written.
    """
    kept = kept_epochs(store.newest(trial))
    if not kept:
        raise NotFoundError(
            f"`{name}` keeps no weights of trial {trial}. `vaesearch status {name}` lists its "
            "trials; one that failed or has not been measured has none."
        )
    chosen = kept[-1] if epoch is None else epoch
    files = candidate_files(store, trial, chosen)
    if files is None:
        raise NotFoundError(
            f"Trial {trial} keeps the weights of epochs {', '.join(map(str, kept))}, the ones no "
            f"other of its epochs beats and the last. Not of epoch {chosen}."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SearchError(f"{out} is there already and not empty. Name a new folder with --out.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "config.json").write_bytes(files[0])
        (out / "weights.npz").write_bytes(files[1])
        (out / "example.py").write_text(_EXAMPLE)
    except OSError as error:
        raise SearchError(f"Cannot write to {out}: {error.strerror}.") from error
    return chosen
