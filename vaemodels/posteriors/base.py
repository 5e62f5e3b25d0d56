"""What every posterior promises."""

import abc
from typing import TypeAlias

import keras

from vaemodels.layers import Tensor

Parameters: TypeAlias = dict[str, Tensor]


class AbstractPosterior(keras.layers.Layer, abc.ABC):
    """A family of densities over `z`, with the linear head that picks one. Subclasses are final.

    Draws are deterministic functions of base noise that the caller provides: `noise_width` columns
    of `noise_kind` "normal" or "uniform". A width of 0 asks for none.

    Attributes:
        latent_dim: Length of `z`.
        noise_kind: Distribution of the base noise.
        noise_width: Columns of base noise per draw.
    """

    latent_dim: int
    noise_kind: str
    noise_width: int

    @abc.abstractmethod
    def call(self, features: Tensor) -> Parameters:
        """Returns the parameters, each `(batch, latent_dim)`, from `(batch, num_features)`."""

    @abc.abstractmethod
    def sample(self, parameters: Parameters, noise: Tensor) -> Tensor:
        """Returns `z` `(batch, latent_dim)` from base noise `(batch, noise_width)`."""

    @abc.abstractmethod
    def mean(self, parameters: Parameters) -> Tensor:
        """Returns the mean of `z`, `(batch, latent_dim)`."""

    @abc.abstractmethod
    def log_prob(self, parameters: Parameters, z: Tensor) -> Tensor:
        """Returns log q(z|x) in nats, `(batch,)`. A `TypeError` where there is no density."""
