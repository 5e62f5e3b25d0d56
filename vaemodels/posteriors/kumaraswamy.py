import math
from typing import Any, final

import keras
import numpy as np
from keras import ops

from vaemodels.layers import Tensor
from vaemodels.links import log_sticks
from vaemodels.posteriors.base import AbstractPosterior, Parameters
from vaemodels.special import digamma, lgamma, log1mexp

_POINTS, _POINT_WEIGHTS = np.polynomial.legendre.leggauss(16)  # on (-1, 1)
_NODES = ((_POINTS + 1.0) / 2.0).astype(np.float32)
_WEIGHTS = (_POINT_WEIGHTS / 2.0).astype(np.float32)
_EULER_GAMMA = 0.5772156649015329


@final
class KumaraswamyPosterior(AbstractPosterior):
    """Independent Kumaraswamy(a, b) stick fractions `v`, as their logits `u`.

    `log a` and `log b` are bounded by tanh, to 5 and to 6 around the prior's: hard clamps have no
    gradient and hold a posterior where it started. The head starts at zero, so that at first the
    posterior is the prior, a = 1 and b = concentration.

    Args:
        num_features: Integer >= 1, width of the encoder's features.
        num_dims: Integer >= 1, number of stick fractions, one fewer than weights.
        seed: Not used: the head starts at zero.
        concentration: Of the prior Beta(1, concentration), > 0.

    References:
        Nalisnick & Smyth, 2017, https://arxiv.org/abs/1605.06197
    """

    noise_kind = "uniform"

    def __init__(
        self,
        num_features: int,
        num_dims: int,
        seed: int = 0,
        *,
        concentration: float = 5.0,
        **kwargs: Any,
    ):
        super().__init__(num_features, num_dims, **kwargs)
        self.noise_width = num_dims
        self.concentration = concentration
        self.head = keras.layers.Dense(2 * num_dims, kernel_initializer="zeros")
        self.head.build((None, num_features))

    def call(self, features: Tensor) -> Parameters:
        p, q = ops.split(self.head(features), 2, axis=-1)
        log_b = math.log(self.concentration) + 6.0 * ops.tanh(q / 6.0)
        return {"log_a": 5.0 * ops.tanh(p / 5.0), "log_b": log_b}

    def sample(self, parameters: Parameters, noise: Tensor) -> Tensor:
        # w = v**a is Beta(1, b): log(1 - w) = log(noise) / b.
        log_rest = ops.log(noise) * ops.exp(-parameters["log_b"])
        log_v = log1mexp(log_rest) * ops.exp(-parameters["log_a"])
        return log_v - (log_rest + _log_ratio(log_rest, parameters["log_a"]))

    def mean(self, parameters: Parameters) -> Tensor:
        # In float64: for large b it is a small difference of large logarithms.
        log_a, log_b = (ops.cast(parameters[name], "float64") for name in ("log_a", "log_b"))
        inverse_a, b = ops.exp(-log_a), ops.exp(log_b)
        # E[v] = b * B(1 + 1/a, b), and the fractions are independent.
        log_mean = log_b + lgamma(1.0 + inverse_a) + lgamma(b) - lgamma(1.0 + inverse_a + b)
        return ops.cast(log_mean - log1mexp(log_mean), "float32")

    def log_prob(self, parameters: Parameters, u: Tensor) -> Tensor:
        log_a, log_b = parameters["log_a"], parameters["log_b"]
        a, b = ops.exp(log_a), ops.exp(log_b)
        log_v, log_rest = log_sticks(u)
        # log(1 - v**a): near v = 1 it is log(a * (1 - v)), where log v has lost its digits.
        is_near_one = u > 25.0
        safe = ops.where(is_near_one, -1.0, a * log_v)
        log_rest_of_w = ops.where(is_near_one, log_a + log_rest, log1mexp(safe))
        return ops.sum(log_a + log_b + a * log_v + log_rest + (b - 1.0) * log_rest_of_w, axis=-1)


def kl_to_beta(parameters: Parameters, concentration: float) -> Tensor:
    """Returns KL(Kumaraswamy(a, b) || Beta(1, concentration)) in nats, elementwise.

    The published form sums a slowly converging series, whose error is negative and grows as b
    shrinks, so that an optimizer is paid to shrink b. Here its expectation, E[log(1 - v)], is
    `-1/b` plus an integral of a bounded function over (0, 1), by 16 Gauss-Legendre nodes: within
    0.01 nats for a and b from 0.01 to 1000, exact at a = 1.
    """
    log_a, log_b = parameters["log_a"], parameters["log_b"]
    b = ops.exp(log_b)
    log_rest = ops.log(_NODES) * ops.exp(-log_b)[..., None]
    ratios = _log_ratio(log_rest, log_a[..., None])
    mean_log_rest = -1.0 / b + ops.sum(_WEIGHTS * ratios, axis=-1)
    # (a - 1) / a, and digamma(b) + 1/b = digamma(b + 1), without a difference of large numbers.
    share = -ops.expm1(-log_a)
    return (
        share * (-_EULER_GAMMA - digamma(b + 1.0))
        + log_a
        + log_b
        - math.log(concentration)
        - (1.0 - 1.0 / b)
        - (concentration - 1.0) * mean_log_rest
    )


def _log_ratio(log_rest: Tensor, log_a: Tensor) -> Tensor:
    """Returns `log((1 - w**(1/a)) / (1 - w))` from `log(1 - w)`; it lies between 0 and -log a."""
    is_one = log_rest < -14.0  # w has no digits left; the limit is -log a
    safe = ops.where(is_one, -1.0, log_rest)
    log_v = log1mexp(safe) * ops.exp(-log_a)
    return ops.where(is_one, -log_a, log1mexp(log_v) - safe)
