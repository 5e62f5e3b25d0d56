"""Which posterior, link and prior make which variant. Beta, likelihood and backbone are free."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from vaemodels.latents.base import AbstractLatentSampler
from vaemodels.latents.gaussian import GaussianLatentSampler
from vaemodels.latents.prior import PriorLatentSampler
from vaemodels.layers import Tensor
from vaemodels.posteriors.base import AbstractPosterior
from vaemodels.posteriors.diagonal_gaussian import DiagonalGaussianPosterior
from vaemodels.posteriors.point import PointPosterior
from vaemodels.priors.base import AbstractPrior
from vaemodels.priors.standard_normal import StandardNormalPrior


def identity(u: Tensor) -> Tensor:
    """Returns its argument: the link of variants whose `z` is unconstrained."""
    return u


@final
@dataclass(frozen=True)
class Variant:
    """A composition of parts.

    Args:
        posterior: Called with (num_features, latent_dim, seed).
        prior: Called with (latent_dim); None for an autoencoder, which has no KL term.
        link: Maps the posterior's variable `u` to the latent vector `z`.
        latent_sampler: How `z` is drawn after training unless asked otherwise.
    """

    posterior: Callable[[int, int, int], AbstractPosterior]
    prior: Callable[[int], AbstractPrior] | None
    link: Callable[[Tensor], Tensor]
    latent_sampler: type[AbstractLatentSampler]


VARIANTS = {
    "vae": Variant(DiagonalGaussianPosterior, StandardNormalPrior, identity, PriorLatentSampler),
    "ae": Variant(PointPosterior, None, identity, GaussianLatentSampler),
}
