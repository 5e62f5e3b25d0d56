"""Kullback-Leibler divergences from a posterior to a prior, in nats."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from keras import ops

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
from vaemodels.posteriors.dirichlet import kl_to_dirichlet
from vaemodels.posteriors.kumaraswamy import kl_to_beta
from vaemodels.posteriors.legacy_sticks import legacy_kl
from vaemodels.priors import (
    AbstractPrior,
    BetaSticksPrior,
    DirichletPrior,
    LaplaceDirichletPrior,
    StandardNormalPrior,
)

Pair: TypeAlias = tuple[type[AbstractPosterior], type[AbstractPrior]]


@final
@dataclass(frozen=True)
class ClosedForm:
    """A divergence without sampling.

    Args:
        function: From (parameters, prior) to nats, `(batch, num_dims)` or `(batch,)`.
        is_factorised: Whether it splits into dimensions, the first shape.
    """

    function: Callable[[Parameters, Any], Tensor]
    is_factorised: bool = True


def gaussian_to_standard_normal(parameters: Parameters, prior: AbstractPrior) -> Tensor:
    """Returns `(mean**2 + exp(log_var) - 1 - log_var) / 2`, shape `(batch, num_dims)`."""
    log_var = parameters["log_var"]
    # expm1 keeps the digits that exp(log_var) - 1 loses near log_var = 0.
    return 0.5 * (ops.square(parameters["mean"]) + (ops.expm1(log_var) - log_var))


def gaussian_to_laplace_dirichlet(parameters: Parameters, prior: LaplaceDirichletPrior) -> Tensor:
    """Returns the KL to N(0, variance), shape `(batch, num_dims)`."""
    log_ratio = parameters["log_var"] - ops.log(prior.variance)
    squares = ops.square(parameters["mean"]) / prior.variance
    return 0.5 * (squares + (ops.expm1(log_ratio) - log_ratio))


def _penalty(parameters: Parameters, prior: AbstractPrior) -> Tensor:
    # Up to a constant -log p(z): what a regularised autoencoder adds (Ghosh et al., 2020).
    return 0.5 * ops.square(parameters["mean"])


def _kumaraswamy(parameters: Parameters, prior: BetaSticksPrior) -> Tensor:
    return kl_to_beta(parameters, prior.concentration)


def _dirichlet(parameters: Parameters, prior: DirichletPrior) -> Tensor:
    concentration = parameters["concentration"]
    return kl_to_dirichlet(concentration, ops.full_like(concentration[:1], prior.concentration))


def _legacy(parameters: Parameters, prior: AbstractPrior) -> Tensor:
    return legacy_kl(parameters)


CLOSED_FORMS: dict[Pair, ClosedForm] = {
    (DiagonalGaussianPosterior, StandardNormalPrior): ClosedForm(gaussian_to_standard_normal),
    (DiagonalGaussianPosterior, LaplaceDirichletPrior): ClosedForm(gaussian_to_laplace_dirichlet),
    (KumaraswamyPosterior, BetaSticksPrior): ClosedForm(_kumaraswamy),
    (DirichletPosterior, DirichletPrior): ClosedForm(_dirichlet, is_factorised=False),
    # Not divergences, though they take their place in the loss.
    (PointPosterior, StandardNormalPrior): ClosedForm(_penalty),
    (LegacySticksPosterior, StandardNormalPrior): ClosedForm(_legacy),
}


def kl_per_dimension(
    posterior: AbstractPosterior, prior: AbstractPrior, parameters: Parameters
) -> Tensor:
    """Returns KL(q(u_j|x) || p(u_j)), shape `(batch, num_dims)`.

    Raises:
        ValueError: If the pair has no closed form that splits into dimensions.
    """
    closed_form = CLOSED_FORMS.get((type(posterior), type(prior)))
    if closed_form is None or not closed_form.is_factorised:
        factorised = [pair for pair, form in CLOSED_FORMS.items() if form.is_factorised]
        pairs = ", ".join(f"({q.__name__}, {p.__name__})" for q, p in factorised)
        raise ValueError(
            f"Invalid pair of `posterior` and `prior`. Expected one of {pairs}. Received: "
            f"({type(posterior).__name__}, {type(prior).__name__}). Use `kl` for the sum."
        )
    return closed_form.function(parameters, prior)


def kl(
    posterior: AbstractPosterior, prior: AbstractPrior, parameters: Parameters, u: Tensor
) -> Tensor:
    """Returns KL(q(u|x) || p(u)), shape `(batch,)`.

    Closed form where there is one, else the unbiased estimate `log q(u|x) - log p(u)` from the one
    draw `u`, which can be negative.
    """
    closed_form = CLOSED_FORMS.get((type(posterior), type(prior)))
    if closed_form is None:
        return posterior.log_prob(parameters, u) - prior.log_prob(u)
    result = closed_form.function(parameters, prior)
    return ops.sum(result, axis=-1) if closed_form.is_factorised else result
