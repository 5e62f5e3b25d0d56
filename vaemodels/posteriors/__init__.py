"""Posteriors q(z|x): what an encoder says about the latent vector of an image."""

from vaemodels.posteriors.base import AbstractPosterior as AbstractPosterior
from vaemodels.posteriors.diagonal_gaussian import (
    DiagonalGaussianPosterior as DiagonalGaussianPosterior,
)
from vaemodels.posteriors.point import PointPosterior as PointPosterior
