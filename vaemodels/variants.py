"""From the names of a composition to its parts, which need Keras."""

from collections.abc import Callable
from typing import Any, Final

from vaemodels.backbones import OwnOptions
from vaemodels.config import VAEConfig
from vaemodels.layers import Tensor, layer_seeds
from vaemodels.own import is_own
from vaemodels.own_parts import made
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
    config: VAEConfig, own_options: OwnOptions, num_features: int, num_dims: int, seed: int
) -> AbstractPosterior:
    """Returns the posterior of a model over `num_dims` variables."""
    name = config.posterior_name
    if is_own(name):
        own_seed = next(layer_seeds(seed, part=2))
        given = num_features, num_dims
        posterior: AbstractPosterior = made(
            name, AbstractPosterior, own_options[name], own_seed, *given
        )
        return posterior
    options: dict[str, Any] = {}
    if name in ("kumaraswamy", "dirichlet"):
        options["concentration"] = config.concentration_used
    if name == "gaussian":
        options["activation"] = config.head_activation
    return POSTERIORS[name](num_features, num_dims, seed, **options)


def build_prior(
    config: VAEConfig,
    own_options: OwnOptions,
    posterior: AbstractPosterior,
    parameters: Callable[[Tensor], Parameters],
    seed: int,
) -> AbstractPrior | None:
    """Returns the prior of a model, if it has one.

    Args:
        config: The description.
        own_options: Of the user's functions.
        posterior: Of the model.
        parameters: From images in [0, 1] to the posterior's parameters.
        seed: Integer that fixes the initial weights.
    """
    name, num_dims = config.prior_name, posterior.num_dims
    if name is None:
        return None
    if is_own(name):
        own_seed = next(layer_seeds(seed, part=3))
        prior: AbstractPrior = made(name, AbstractPrior, own_options[name], own_seed, num_dims)
        return prior
    if name == "vamp":
        return VampPrior(posterior, parameters, config.image_shape, config.num_components, seed)
    if name == "gaussian_mixture":
        return GaussianMixturePrior(num_dims, config.num_components, seed)
    if name == "standard_normal":
        return StandardNormalPrior(num_dims)
    return PRIORS[name](num_dims, config.concentration_used)
