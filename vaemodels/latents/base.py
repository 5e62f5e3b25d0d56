"""What every latent sampler promises."""

import abc
from typing import Any

import numpy as np
from numpy.typing import NDArray


class AbstractLatentSampler(abc.ABC):
    """A deterministic map from base normal noise to latent vectors. Subclasses are final.

    Attributes:
        needs_codes: Whether `fit` wants the latent means of training images.
    """

    needs_codes: bool

    @classmethod
    @abc.abstractmethod
    def fit(cls, vae: Any, codes: NDArray[np.float32] | None) -> "AbstractLatentSampler":
        """Returns a sampler for a trained model.

        Args:
            vae: The model, for its prior.
            codes: Latent means of training images, `(num_images, latent_dim)`, where needed.
        """

    @abc.abstractmethod
    def draw(self, noise: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns `z` `(num_samples, latent_dim)` from N(0, 1) noise of the same shape."""
