import math
from typing import Any, final

import keras
from keras import ops

from vaemodels.layers import Tensor, initializer, layer_seeds
from vaemodels.posteriors.base import AbstractPosterior, Parameters


def soft_bound(x: Tensor, low: float = -12.0, high: float = 8.0) -> Tensor:
    """Returns `x` squeezed smoothly into (low, high), 0 staying 0 with a slope near 1.

    A hard clamp would have no gradient outside and could hold a parameter there for ever.
    """
    middle, half = (high + low) / 2, (high - low) / 2
    return middle + half * ops.tanh(x / half - math.atanh(middle / half))


@final
class DiagonalGaussianPosterior(AbstractPosterior):
    """Normal with independent dimensions; `log_var` is soft-bounded to (-12, 8).

    Args:
        num_features: Integer >= 1, width of the encoder's features.
        num_dims: Integer >= 1, length of `u`.
        seed: Integer that fixes the initial weights of the head.
        activation: Of the head. "relu" keeps mean and log variance above 0, as the 2023 thesis
            did; for reproduction only.

    References:
        Kingma & Welling, 2014, https://arxiv.org/abs/1312.6114
    """

    noise_kind = "normal"

    def __init__(
        self,
        num_features: int,
        num_dims: int,
        seed: int = 0,
        *,
        activation: str = "linear",
        **kwargs: Any,
    ):
        super().__init__(num_features, num_dims, **kwargs)
        self.noise_width = num_dims
        # One head for both is one matrix product less per step.
        kernel = initializer(layer_seeds(seed, part=2))
        self.head = keras.layers.Dense(2 * num_dims, activation, kernel_initializer=kernel)
        self.head.build((None, num_features))

    def call(self, features: Tensor) -> Parameters:
        mean, log_var = ops.split(self.head(features), 2, axis=-1)
        return {"mean": mean, "log_var": soft_bound(log_var)}

    def sample(self, parameters: Parameters, noise: Tensor) -> Tensor:
        return parameters["mean"] + ops.exp(0.5 * parameters["log_var"]) * noise

    def mean(self, parameters: Parameters) -> Tensor:
        return parameters["mean"]

    def log_prob(self, parameters: Parameters, u: Tensor) -> Tensor:
        log_var = parameters["log_var"]
        scaled = (u - parameters["mean"]) ** 2 * ops.exp(-log_var)
        return -0.5 * ops.sum(scaled + log_var + math.log(2 * math.pi), axis=-1)
