from typing import Any, final

from keras import ops

from vaemodels.checks import check_positive
from vaemodels.layers import Tensor
from vaemodels.posteriors.dirichlet import dirichlet_log_prob
from vaemodels.priors.base import AbstractPrior
from vaemodels.special import gamma_noise_width, log_gamma_draws, normal_to_uniform


@final
class DirichletPrior(AbstractPrior):
    """Symmetric Dirichlet over weights, as their logarithms `u`.

    The density is that of the weights on the simplex, in the first `num_dims - 1` of them.

    Args:
        num_dims: Integer >= 2, number of weights.
        concentration: > 0.
    """

    def __init__(self, num_dims: int, concentration: float = 1.0, **kwargs: Any):
        super().__init__(num_dims, **kwargs)
        check_positive(concentration=concentration)
        self.concentration = concentration
        self.noise_width = gamma_noise_width(num_dims)

    def log_prob(self, u: Tensor) -> Tensor:
        return dirichlet_log_prob(ops.full((self.num_dims,), self.concentration), u)

    def sample(self, noise: Tensor) -> Tensor:
        uniforms = normal_to_uniform(noise)
        concentration = ops.full((uniforms.shape[0], self.num_dims), self.concentration)
        return ops.log_softmax(log_gamma_draws(concentration, uniforms))
