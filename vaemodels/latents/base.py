"""What every latent sampler promises."""

import abc

import numpy as np
from numpy.typing import NDArray


class AbstractLatentSampler(abc.ABC):
    """A deterministic map from N(0, 1) noise to codes, in real coordinates. Subclasses are final.

    Where `z` is a simplex, the real coordinates are log-ratios of its weights.

    Attributes:
        noise_width: Columns of noise per draw.
    """

    noise_width: int

    @abc.abstractmethod
    def draw(self, noise: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns codes `(num_samples, num_dims)` from noise `(num_samples, noise_width)`."""


def check_codes(codes: NDArray[np.float32], fewest: int = 2) -> NDArray[np.float64]:
    """Returns codes of training images in float64.

    Args:
        codes: `(num_images >= fewest, num_dims)`, finite.
        fewest: Smallest number of images that will do.

    Raises:
        ValueError: If the shape is another or a code is not finite.
    """
    if codes.ndim != 2 or len(codes) < fewest or not np.isfinite(codes).all():
        raise ValueError(
            f"Invalid value for `codes`. Expected finite codes of shape (num_images >= {fewest}, "
            f"num_dims). Received: shape={codes.shape}. Did training diverge?"
        )
    return codes.astype(np.float64)


def symmetric_root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the symmetric root of a covariance; dead dimensions have one too, where a Cholesky
    factor fails."""
    eigenvalues, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    root: NDArray[np.float64] = (vectors * np.sqrt(eigenvalues.clip(min=0.0))) @ vectors.T
    return root
