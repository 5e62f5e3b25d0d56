"""From the names of a composition to its parts, which need Keras."""

from collections.abc import Callable
from typing import Any, Final

from vaemodels.config import VAEConfig
from vaemodels.layers import Tensor
from vaemodels.posteriors import (
    AbstractPosterior,
    DiagonalGaussianPosterior,
    DirichletPosterior,
    KumaraswamyPosterior,
    LegacySticksPosterior,
    PointPosterior,
)
from vaemodels.posteriors.base import Parameters
from vaemodels.priors import (
    AbstractPrior,
    BetaSticksPrior,
    DirichletPrior,
    GaussianMixturePrior,
    LaplaceDirichletPrior,
    StandardNormalPrior,
    VampPrior,
)

POSTERIORS: Final[dict[str, Callable[..., AbstractPosterior]]] = {
    "gaussian": DiagonalGaussianPosterior,
    "kumaraswamy": KumaraswamyPosterior,
    "dirichlet": DirichletPosterior,
    "point": PointPosterior,
    "legacy_sticks": LegacySticksPosterior,
}
PRIORS: Final[dict[str, Callable[..., AbstractPrior]]] = {
    "standard_normal": StandardNormalPrior,
    "gaussian_mixture": GaussianMixturePrior,
    "laplace_dirichlet": LaplaceDirichletPrior,
    "beta_sticks": BetaSticksPrior,
    "dirichlet": DirichletPrior,
    "vamp": VampPrior,
}


def build_posterior(
    config: VAEConfig, num_features: int, num_dims: int, seed: int
) -> AbstractPosterior:
    """Returns the posterior of a model over `num_dims` variables."""
    options: dict[str, Any] = {}
    if config.posterior_name in ("kumaraswamy", "dirichlet"):
        options["concentration"] = config.concentration_used
    if config.posterior_name == "gaussian":
        options["activation"] = config.head_activation
    return POSTERIORS[config.posterior_name](num_features, num_dims, seed, **options)


def build_prior(
    config: VAEConfig,
    posterior: AbstractPosterior,
    parameters: Callable[[Tensor], Parameters],
    seed: int,
) -> AbstractPrior | None:
    """Returns the prior of a model, if it has one.

    Args:
        config: The description.
        posterior: Of the model.
        parameters: From images in [0, 1] to the posterior's parameters.
        seed: Integer that fixes the initial weights.
    """
    name, num_dims = config.prior_name, posterior.num_dims
    if name is None:
        return None
    if name == "vamp":
        return VampPrior(posterior, parameters, config.image_shape, config.num_components, seed)
    if name == "gaussian_mixture":
        return GaussianMixturePrior(num_dims, config.num_components, seed)
    if name == "standard_normal":
        return StandardNormalPrior(num_dims)
    return PRIORS[name](num_dims, config.concentration_used)
