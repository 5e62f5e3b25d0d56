import math
from typing import Any, final

from keras import ops

from vaemodels.checks import check_at_least
from vaemodels.layers import Tensor
from vaemodels.priors.base import AbstractPrior


@final
class StandardNormalPrior(AbstractPrior):
    """Independent N(0, 1) in every dimension.

    Args:
        latent_dim: Integer >= 1, length of `z`.
    """

    noise_kind = "normal"

    def __init__(self, latent_dim: int, **kwargs: Any):
        super().__init__(**kwargs)
        check_at_least(1, latent_dim=latent_dim)
        self.latent_dim = latent_dim
        self.noise_width = latent_dim

    def log_prob(self, z: Tensor) -> Tensor:
        return -0.5 * ops.sum(z**2 + math.log(2 * math.pi), axis=-1)

    def sample(self, noise: Tensor) -> Tensor:
        return ops.convert_to_tensor(noise)
