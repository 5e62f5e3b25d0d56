from typing import Any, final

import keras

from vaemodels.layers import Tensor, initializer, layer_seeds
from vaemodels.posteriors.base import AbstractPosterior, Parameters


@final
class PointPosterior(AbstractPosterior):
    """All mass on one point: what an autoencoder has. It needs no noise and has no density.

    Args:
        num_features: Integer >= 1, width of the encoder's features.
        num_dims: Integer >= 1, length of `u`.
        seed: Integer that fixes the initial weights of the head.
    """

    noise_kind = "normal"
    noise_width = 0
    has_density = False

    def __init__(self, num_features: int, num_dims: int, seed: int = 0, **kwargs: Any):
        super().__init__(num_features, num_dims, **kwargs)
        kernel = initializer(layer_seeds(seed, part=2))
        self.head = keras.layers.Dense(num_dims, kernel_initializer=kernel)
        self.head.build((None, num_features))

    def call(self, features: Tensor) -> Parameters:
        return {"mean": self.head(features)}

    def sample(self, parameters: Parameters, noise: Tensor) -> Tensor:
        return parameters["mean"]

    def mean(self, parameters: Parameters) -> Tensor:
        return parameters["mean"]

    def log_prob(self, parameters: Parameters, u: Tensor) -> Tensor:
        raise TypeError("A point posterior has no density. Use variant='vae' for KL or likelihood.")
