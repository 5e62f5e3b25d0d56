from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.latents.base import AbstractLatentSampler


@final
class PriorLatentSampler(AbstractLatentSampler):
    """Draws from the model's own prior: the default of a variational autoencoder."""

    needs_codes = False

    def __init__(self, vae: Any):
        if vae.prior is None:
            raise ValueError(
                "Invalid value for `vae`. Expected a model with a prior. Received: "
                f"variant={vae.config.variant!r}. Use GaussianLatentSampler."
            )
        self._vae = vae

    @classmethod
    def fit(cls, vae: Any, codes: NDArray[np.float32] | None) -> "PriorLatentSampler":
        return cls(vae)

    def draw(self, noise: NDArray[np.float32]) -> NDArray[np.float32]:
        z = self._vae.link(self._vae.prior.sample(noise))
        return np.asarray(z, dtype=np.float32)
