import math
from typing import Any, final

from keras import ops

from vaemodels.checks import check_positive
from vaemodels.layers import Tensor
from vaemodels.priors.base import AbstractPrior


@final
class LaplaceDirichletPrior(AbstractPrior):
    """The symmetric Dirichlet's Laplace approximation before a softmax: independent N(0, variance).

    The variance, `(1 - 1/K) / concentration` for K weights, is `variance`.

    Args:
        num_dims: Integer >= 2, number of weights.
        concentration: Of the Dirichlet, > 0.

    References:
        Srivastava & Sutton, 2017, equation 5, https://arxiv.org/abs/1703.01488
    """

    def __init__(self, num_dims: int, concentration: float = 1.0, **kwargs: Any):
        super().__init__(num_dims, **kwargs)
        check_positive(concentration=concentration)
        self.concentration = concentration
        self.variance = (1.0 - 1.0 / max(num_dims, 2)) / concentration

    def log_prob(self, u: Tensor) -> Tensor:
        normalizer = math.log(2 * math.pi * self.variance)
        return -0.5 * ops.sum(u**2 / self.variance + normalizer, axis=-1)

    def sample(self, noise: Tensor) -> Tensor:
        return math.sqrt(self.variance) * ops.convert_to_tensor(noise)
