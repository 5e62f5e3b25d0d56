from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.latents.base import AbstractLatentSampler


@final
class PriorLatentSampler(AbstractLatentSampler):
    """Draws from the model's own prior: the default of a variational autoencoder.

    Where there is none, N(0, 1): the negative control of an autoencoder, whose codes nothing
    holds there.
    """

    def __init__(self, vae: Any):
        self._vae = vae
        has_prior = vae.prior is not None
        self.noise_width = vae.prior.noise_width if has_prior else vae.posterior.num_dims

    def draw(self, noise: NDArray[np.float32]) -> NDArray[np.float64]:
        if self._vae.prior is None:
            return noise.astype(np.float64)
        u = self._vae.prior.sample(noise)
        return np.asarray(self._vae.link.to_real(u), dtype=np.float64)
