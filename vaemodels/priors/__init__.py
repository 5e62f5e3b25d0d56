"""Priors p(z): what the latent vector looks like before any image is seen."""

from vaemodels.priors.base import AbstractPrior as AbstractPrior
from vaemodels.priors.standard_normal import StandardNormalPrior as StandardNormalPrior
