from typing import final

import numpy as np
from numpy.typing import NDArray

from vaemodels.latents.base import AbstractLatentSampler, check_codes, symmetric_root


@final
class GaussianLatentSampler(AbstractLatentSampler):
    """Normal with full covariance, fitted to the codes of training images.

    The default of an autoencoder, whose codes no prior holds near N(0, 1). Ghosh et al., 2020,
    https://arxiv.org/abs/1903.12436 (ex-post density estimation).

    Args:
        codes: `(num_images >= 2, num_dims)`, finite.

    Raises:
        ValueError: If there are fewer than 2 codes, or one is not finite.
    """

    def __init__(self, codes: NDArray[np.float32]):
        exact = check_codes(codes)
        self.noise_width = exact.shape[1]
        self.mean = exact.mean(axis=0)
        self.root = symmetric_root(np.cov(exact, rowvar=False))

    def draw(self, noise: NDArray[np.float32]) -> NDArray[np.float64]:
        return self.mean + noise.astype(np.float64) @ self.root
