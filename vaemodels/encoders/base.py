"""What every encoder promises."""

import abc

import keras

from vaemodels.layers import Tensor


class AbstractEncoder(keras.layers.Layer, abc.ABC):
    """A map from images to features. Subclasses are final and built when constructed.

    Images of another shape than the one it was built for raise `ValueError`.

    Attributes:
        num_features: Width of the features.
    """

    num_features: int

    @abc.abstractmethod
    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Returns features `(batch, num_features)` of images `(batch, height, width, channels)`."""
