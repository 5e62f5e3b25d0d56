"""What every prior promises."""

import abc

import keras

from vaemodels.layers import Tensor


class AbstractPrior(keras.layers.Layer, abc.ABC):
    """A probability density over latent vectors `z`. Subclasses are final.

    Draws are deterministic functions of base noise that the caller provides.

    Attributes:
        latent_dim: Length of `z`.
        noise_kind: "normal" or "uniform".
        noise_width: Columns of base noise per draw.
    """

    latent_dim: int
    noise_kind: str
    noise_width: int

    @abc.abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """Returns log p(z) in nats, `(batch,)`, for `z` of shape `(batch, latent_dim)`."""

    @abc.abstractmethod
    def sample(self, noise: Tensor) -> Tensor:
        """Returns `z` `(batch, latent_dim)` from base noise `(batch, noise_width)`."""
