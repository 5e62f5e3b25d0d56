"""What every likelihood promises."""

import abc

import keras

from vaemodels.layers import Tensor


class AbstractLikelihood(keras.layers.Layer, abc.ABC):
    """A probability of images given a decoder's outputs. Subclasses are final."""

    @abc.abstractmethod
    def log_prob(self, outputs: Tensor, images: Tensor) -> Tensor:
        """Returns log p(x|z) in nats, `(batch,)`, summed over pixels and channels.

        Args:
            outputs: What the decoder gave, `(batch, height, width, channels)`.
            images: Of the same shape, in [0, 1].
        """

    @abc.abstractmethod
    def mean(self, outputs: Tensor) -> Tensor:
        """Returns the mean image, of the shape of `outputs`, in pixels clipped to [0, 1]."""
