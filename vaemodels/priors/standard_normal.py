import math
from typing import final

from keras import ops

from vaemodels.layers import Tensor
from vaemodels.priors.base import AbstractPrior


@final
class StandardNormalPrior(AbstractPrior):
    """Independent N(0, 1) in every dimension.

    Args:
        num_dims: Integer >= 1, length of `u`.
    """

    def log_prob(self, u: Tensor) -> Tensor:
        return -0.5 * ops.sum(u**2 + math.log(2 * math.pi), axis=-1)

    def sample(self, noise: Tensor) -> Tensor:
        return ops.convert_to_tensor(noise)
