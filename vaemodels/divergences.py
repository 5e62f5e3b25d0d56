"""Kullback-Leibler divergences from a posterior to a prior, in nats."""

from collections.abc import Callable
from typing import TypeAlias

from keras import ops

from vaemodels.layers import Tensor
from vaemodels.posteriors.base import AbstractPosterior, Parameters
from vaemodels.posteriors.diagonal_gaussian import DiagonalGaussianPosterior
from vaemodels.priors.base import AbstractPrior
from vaemodels.priors.standard_normal import StandardNormalPrior

ClosedForm: TypeAlias = Callable[[Parameters, AbstractPrior], Tensor]


def gaussian_to_standard_normal(parameters: Parameters, prior: AbstractPrior) -> Tensor:
    """Returns `(mean**2 + exp(log_var) - 1 - log_var) / 2`, shape `(batch, latent_dim)`."""
    log_var = parameters["log_var"]
    # expm1 keeps the digits that exp(log_var) - 1 loses near log_var = 0.
    return 0.5 * (ops.square(parameters["mean"]) + (ops.expm1(log_var) - log_var))


CLOSED_FORMS: dict[tuple[type[AbstractPosterior], type[AbstractPrior]], ClosedForm] = {
    (DiagonalGaussianPosterior, StandardNormalPrior): gaussian_to_standard_normal,
}


def kl_per_dimension(
    posterior: AbstractPosterior, prior: AbstractPrior, parameters: Parameters
) -> Tensor:
    """Returns KL(q(z_j|x) || p(z_j)), shape `(batch, latent_dim)`.

    Raises:
        ValueError: If the pair has no closed form that splits into dimensions.
    """
    closed_form = CLOSED_FORMS.get((type(posterior), type(prior)))
    if closed_form is None:
        pairs = ", ".join(f"({q.__name__}, {p.__name__})" for q, p in CLOSED_FORMS)
        raise ValueError(
            f"Invalid pair of `posterior` and `prior`. Expected one of {pairs}. Received: "
            f"({type(posterior).__name__}, {type(prior).__name__}). Use `kl` for the sum."
        )
    return closed_form(parameters, prior)


def kl(
    posterior: AbstractPosterior, prior: AbstractPrior, parameters: Parameters, z: Tensor
) -> Tensor:
    """Returns KL(q(z|x) || p(z)), shape `(batch,)`.

    Closed form where there is one, else the unbiased estimate `log q(z|x) - log p(z)` from the one
    draw `z`, which can be negative.
    """
    if (type(posterior), type(prior)) in CLOSED_FORMS:
        return ops.sum(kl_per_dimension(posterior, prior, parameters), axis=-1)
    return posterior.log_prob(parameters, z) - prior.log_prob(z)
