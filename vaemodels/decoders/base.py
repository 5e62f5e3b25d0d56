"""What every decoder promises."""

import abc

import keras

from vaemodels.layers import Tensor


class AbstractDecoder(keras.layers.Layer, abc.ABC):
    """A map from latent vectors to outputs that a likelihood reads, one per pixel and channel.

    Subclasses are final and built when constructed.
    """

    @abc.abstractmethod
    def call(self, z: Tensor, training: bool = False) -> Tensor:
        """Returns outputs `(batch, height, width, channels)` for `z` `(batch, latent_dim)`."""
