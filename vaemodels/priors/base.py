"""What every prior promises."""

import abc
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least
from vaemodels.layers import Tensor


class AbstractPrior(keras.layers.Layer, abc.ABC):
    """A probability density over `u`, which a link maps to the latent vector `z`.

    Subclasses are final. Draws are deterministic functions of N(0, 1) noise of the caller's.

    Args:
        num_dims: Integer >= 1, length of `u`.

    Attributes:
        num_dims: Length of `u`.
        noise_width: Columns of N(0, 1) noise per draw, >= num_dims.
        initialize_at_epoch: Number of finished epochs after which a training calls `initialize`;
            None: never.
    """

    num_dims: int
    noise_width: int
    initialize_at_epoch: int | None = None

    def __init__(self, num_dims: int, **kwargs: Any):
        super().__init__(**kwargs)
        check_at_least(1, num_dims=num_dims)
        self.num_dims = num_dims
        self.noise_width = num_dims

    @abc.abstractmethod
    def log_prob(self, u: Tensor) -> Tensor:
        """Returns log p(u) in nats, `(batch,)`, for `u` of shape `(batch, num_dims)`."""

    @abc.abstractmethod
    def sample(self, noise: Tensor) -> Tensor:
        """Returns `u` `(batch, num_dims)` from N(0, 1) noise `(batch, noise_width)`."""

    def initialize(self, images: NDArray[np.float32], codes: NDArray[np.float32]) -> None:
        """Sets learned weights from training data; does nothing where there are none.

        Depends on its arguments alone, so that doing it twice changes nothing.

        Args:
            images: Some training images in [0, 1], `(num_images, height, width, channels)`.
            codes: One draw of `u` from each one's posterior, `(num_images, num_dims)`. Means would
                hide the posteriors' own variance, and a prior fitted to them starts far too narrow.
        """
