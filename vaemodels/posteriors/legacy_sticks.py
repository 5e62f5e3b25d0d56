import math
from typing import Any, final

import keras
from keras import ops

from vaemodels.layers import Tensor, initializer, layer_seeds
from vaemodels.posteriors.base import AbstractPosterior, Parameters
from vaemodels.special import lgamma

_NUM_TERMS = 10


@final
class LegacySticksPosterior(AbstractPosterior):
    """The stick-breaking posterior of the 2023 thesis as it was, which cannot learn.

    Its floor, `max(softplus(x), 1)`, was meant as a roof: near the start every parameter is 1 with
    no gradient, so every posterior stays Kumaraswamy(1, 1) and the KL of five sticks 10.13463. And
    it breaks no stick: `u = a + exp(b / 2) * noise`. For reproduction only; use "sbvae".

    Args:
        num_features: Integer >= 1, width of the encoder's features.
        num_dims: Integer >= 1, length of `u`.
        seed: Integer that fixes the initial weights of the head.
    """

    noise_kind = "normal"

    def __init__(self, num_features: int, num_dims: int, seed: int = 0, **kwargs: Any):
        super().__init__(num_features, num_dims, **kwargs)
        self.noise_width = num_dims
        kernel = initializer(layer_seeds(seed, part=2))
        self.head = keras.layers.Dense(2 * num_dims, kernel_initializer=kernel)
        self.head.build((None, num_features))

    def call(self, features: Tensor) -> Parameters:
        a, b = ops.split(ops.maximum(ops.softplus(self.head(features)), 1.0), 2, axis=-1)
        return {"a": a, "b": b}

    def sample(self, parameters: Parameters, noise: Tensor) -> Tensor:
        return parameters["a"] + ops.exp(0.5 * parameters["b"]) * noise

    def mean(self, parameters: Parameters) -> Tensor:
        return parameters["a"]

    def log_prob(self, parameters: Parameters, u: Tensor) -> Tensor:
        b = parameters["b"]
        scaled = (u - parameters["a"]) ** 2 * ops.exp(-b)
        return -0.5 * ops.sum(scaled + b + math.log(2 * math.pi), axis=-1)


def legacy_kl(parameters: Parameters) -> Tensor:
    """Returns the thesis' KL to Beta(1, 5), elementwise: 10 terms of the series, and an expansion
    of the digamma function with its misprint, `b / 2` for `1 / (2 b)`, which a = 1 hides."""
    a, b = parameters["a"], parameters["b"]
    series = 0.0
    for m in range(1, _NUM_TERMS + 1):
        log_beta = lgamma(m / a) + lgamma(b) - lgamma(m / a + b)
        series += ops.exp(log_beta) / (m + a * b)
    digamma = ops.log(b) - b / 2.0 - b**2 / 12.0
    return (
        (a - 1.0) / a * (-0.57721 - digamma - 1.0 / b)
        + ops.log(a * b)
        - math.log(5.0)
        + 4.0 * b * series
        - (b - 1.0) / b
    )
