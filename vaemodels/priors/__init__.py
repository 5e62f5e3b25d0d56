"""Priors p(u): what the latent variable looks like before any image is seen."""

from vaemodels.priors.base import AbstractPrior as AbstractPrior
from vaemodels.priors.beta_sticks import BetaSticksPrior as BetaSticksPrior
from vaemodels.priors.dirichlet import DirichletPrior as DirichletPrior
from vaemodels.priors.gaussian_mixture import GaussianMixturePrior as GaussianMixturePrior
from vaemodels.priors.laplace_dirichlet import LaplaceDirichletPrior as LaplaceDirichletPrior
from vaemodels.priors.standard_normal import StandardNormalPrior as StandardNormalPrior
from vaemodels.priors.vamp import VampPrior as VampPrior
