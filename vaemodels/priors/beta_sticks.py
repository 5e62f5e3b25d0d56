import math
from typing import Any, final

from keras import ops

from vaemodels.checks import check_positive
from vaemodels.layers import Tensor
from vaemodels.links import log_sticks
from vaemodels.priors.base import AbstractPrior
from vaemodels.special import log1mexp, normal_to_uniform


@final
class BetaSticksPrior(AbstractPrior):
    """Independent Beta(1, concentration) stick fractions, as their logits `u`: GEM weights.

    Args:
        num_dims: Integer >= 1, number of stick fractions, one fewer than weights.
        concentration: > 0; large values spread the mass over many weights.

    References:
        Nalisnick & Smyth, 2017, https://arxiv.org/abs/1605.06197
    """

    def __init__(self, num_dims: int, concentration: float = 5.0, **kwargs: Any):
        super().__init__(num_dims, **kwargs)
        check_positive(concentration=concentration)
        self.concentration = concentration

    def log_prob(self, u: Tensor) -> Tensor:
        log_v, log_rest = log_sticks(u)
        terms = math.log(self.concentration) + log_v + self.concentration * log_rest
        return ops.sum(terms, axis=-1)

    def sample(self, noise: Tensor) -> Tensor:
        log_rest = ops.log(normal_to_uniform(noise)) / self.concentration
        return log1mexp(log_rest) - log_rest
