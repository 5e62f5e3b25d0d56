from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.latents.base import AbstractLatentSampler


@final
class GaussianLatentSampler(AbstractLatentSampler):
    """Normal with full covariance, fitted to the codes of training images.

    The default of an autoencoder, whose codes no prior holds near N(0, 1). Ghosh et al., 2020,
    https://arxiv.org/abs/1903.12436 (ex-post density estimation).

    Args:
        codes: Latent means, `(num_images >= 2, latent_dim)`, finite.

    Raises:
        ValueError: If there are fewer than 2 codes, or one is not finite.
    """

    needs_codes = True

    def __init__(self, codes: NDArray[np.float32]):
        if codes.ndim != 2 or len(codes) < 2 or not np.isfinite(codes).all():
            raise ValueError(
                "Invalid value for `codes`. Expected finite codes of shape (num_images >= 2, "
                f"latent_dim). Received: shape={codes.shape}. Did training diverge?"
            )
        exact = codes.astype(np.float64)
        self.mean = exact.mean(axis=0)
        # The symmetric root exists for dead dimensions too, where a Cholesky factor fails.
        eigenvalues, vectors = np.linalg.eigh(np.atleast_2d(np.cov(exact, rowvar=False)))
        self.root = (vectors * np.sqrt(eigenvalues.clip(min=0.0))) @ vectors.T

    @classmethod
    def fit(cls, vae: Any, codes: NDArray[np.float32] | None) -> "GaussianLatentSampler":
        if codes is None:
            raise ValueError(
                "Invalid value for `codes`. Expected codes of training images. Received: None."
            )
        return cls(codes)

    def draw(self, noise: NDArray[np.float32]) -> NDArray[np.float32]:
        z = self.mean + noise.astype(np.float64) @ self.root
        return z.astype(np.float32)
