"""Latent samplers: how `z` is drawn once a model is trained."""

from vaemodels.latents.base import AbstractLatentSampler as AbstractLatentSampler
from vaemodels.latents.copula import CopulaLatentSampler as CopulaLatentSampler
from vaemodels.latents.fitted import FittedSampler as FittedSampler
from vaemodels.latents.gaussian import GaussianLatentSampler as GaussianLatentSampler
from vaemodels.latents.gaussian_mixture import (
    GaussianMixtureLatentSampler as GaussianMixtureLatentSampler,
)
from vaemodels.latents.prior import PriorLatentSampler as PriorLatentSampler
