"""What every posterior promises."""

import abc
from typing import Any, TypeAlias

import keras

from vaemodels.checks import check_at_least
from vaemodels.layers import Tensor

Parameters: TypeAlias = dict[str, Tensor]


class AbstractPosterior(keras.layers.Layer, abc.ABC):
    """A family of densities q(u|x), with the linear head that picks one. Subclasses are final.

    A link maps `u` to the latent vector `z`. Draws are deterministic functions of base noise that
    the caller provides: `noise_width` columns of `noise_kind` "normal" or "uniform". A width of 0
    asks for none.

    Args:
        num_features: Integer >= 1, width of the encoder's features.
        num_dims: Integer >= 1, length of `u`.

    Attributes:
        num_dims: Length of `u`.
        noise_kind: Distribution of the base noise.
        noise_width: Columns of base noise per draw.
        has_density: Whether there is a `log_prob`.
    """

    num_dims: int
    noise_kind: str
    noise_width: int
    has_density: bool = True

    def __init__(self, num_features: int, num_dims: int, **kwargs: Any):
        super().__init__(**kwargs)
        check_at_least(1, num_features=num_features, num_dims=num_dims)
        self.num_dims = num_dims

    @abc.abstractmethod
    def call(self, features: Tensor) -> Parameters:
        """Returns the parameters, each `(batch, num_dims)`, from `(batch, num_features)`."""

    @abc.abstractmethod
    def sample(self, parameters: Parameters, noise: Tensor) -> Tensor:
        """Returns `u` `(batch, num_dims)` from base noise `(batch, noise_width)`."""

    @abc.abstractmethod
    def mean(self, parameters: Parameters) -> Tensor:
        """Returns the `u`, `(batch, num_dims)`, that the link maps to the code of an image: the
        mean of `u`, or, where the link is not linear, what it maps to the mean of `z`."""

    @abc.abstractmethod
    def log_prob(self, parameters: Parameters, u: Tensor) -> Tensor:
        """Returns log q(u|x) in nats, `(batch,)`; leading dimensions broadcast.

        Raises:
            TypeError: Where there is no density.
        """
