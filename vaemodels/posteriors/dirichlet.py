import math
from typing import Any, final

import keras
from keras import ops

from vaemodels.layers import Tensor
from vaemodels.posteriors.base import AbstractPosterior, Parameters
from vaemodels.posteriors.diagonal_gaussian import soft_bound
from vaemodels.special import digamma, gamma_noise_width, lgamma, log_gamma_draws


@final
class DirichletPosterior(AbstractPosterior):
    """Dirichlet over weights `z`, as their logarithms `u`, with implicit gamma gradients.

    Concentrations are soft-bounded to (0.01, 1000); the head starts at zero, which is the prior.
    The density is that of `z` on the simplex, in its first `num_dims - 1` weights.

    Args:
        num_features: Integer >= 1, width of the encoder's features.
        num_dims: Integer >= 2, number of weights.
        seed: Not used: the head starts at zero.
        concentration: Of the symmetric prior, in (0.01, 1000).

    References:
        Figurnov et al., 2018, https://arxiv.org/abs/1805.08498
        Joo et al., 2020, https://arxiv.org/abs/1901.02739
    """

    noise_kind = "uniform"

    def __init__(
        self,
        num_features: int,
        num_dims: int,
        seed: int = 0,
        *,
        concentration: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(num_features, num_dims, **kwargs)
        self.noise_width = gamma_noise_width(num_dims)
        self.concentration = concentration
        self.head = keras.layers.Dense(num_dims, kernel_initializer="zeros")
        self.head.build((None, num_features))

    def call(self, features: Tensor) -> Parameters:
        start = math.log(self.concentration)
        low, high = math.log(1e-2) - start, math.log(1e3) - start
        return {"concentration": ops.exp(start + soft_bound(self.head(features), low, high))}

    def sample(self, parameters: Parameters, noise: Tensor) -> Tensor:
        return ops.log_softmax(log_gamma_draws(parameters["concentration"], noise))

    def mean(self, parameters: Parameters) -> Tensor:
        concentration = parameters["concentration"]
        return ops.log(concentration / ops.sum(concentration, axis=-1, keepdims=True))

    def log_prob(self, parameters: Parameters, u: Tensor) -> Tensor:
        return dirichlet_log_prob(parameters["concentration"], u)


def dirichlet_log_prob(concentration: Tensor, u: Tensor) -> Tensor:
    """Returns the log density of weights `exp(u)`, in nats, summed over the last axis."""
    total = ops.sum(concentration, axis=-1)
    terms = (concentration - 1.0) * u - lgamma(concentration)
    return lgamma(total) + ops.sum(terms, axis=-1)


def kl_to_dirichlet(concentration: Tensor, prior: Tensor) -> Tensor:
    """Returns KL(Dirichlet(concentration) || Dirichlet(prior)) in nats, `(batch,)`."""
    total, prior_total = ops.sum(concentration, axis=-1), ops.sum(prior, axis=-1)
    gap = digamma(concentration) - digamma(total)[..., None]
    terms = lgamma(prior) - lgamma(concentration) + (concentration - prior) * gap
    return lgamma(total) - lgamma(prior_total) + ops.sum(terms, axis=-1)
