"""Latent samplers: how `z` is drawn once a model is trained."""

from vaemodels.latents.base import AbstractLatentSampler as AbstractLatentSampler
from vaemodels.latents.gaussian import GaussianLatentSampler as GaussianLatentSampler
from vaemodels.latents.prior import PriorLatentSampler as PriorLatentSampler
