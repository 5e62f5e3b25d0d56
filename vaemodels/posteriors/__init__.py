"""Posteriors q(u|x): what an encoder says about the latent variable of an image."""

from vaemodels.posteriors.base import AbstractPosterior as AbstractPosterior
from vaemodels.posteriors.diagonal_gaussian import (
    DiagonalGaussianPosterior as DiagonalGaussianPosterior,
)
from vaemodels.posteriors.dirichlet import DirichletPosterior as DirichletPosterior
from vaemodels.posteriors.kumaraswamy import KumaraswamyPosterior as KumaraswamyPosterior
from vaemodels.posteriors.legacy_sticks import LegacySticksPosterior as LegacySticksPosterior
from vaemodels.posteriors.point import PointPosterior as PointPosterior
