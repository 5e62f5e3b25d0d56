from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import refuse
from vaemodels.config import LatentSamplerConfig
from vaemodels.config.variants import SIMPLEX_LINKS
from vaemodels.latents.base import AbstractLatentSampler
from vaemodels.latents.copula import CopulaLatentSampler
from vaemodels.latents.gaussian import GaussianLatentSampler
from vaemodels.latents.gaussian_mixture import GaussianMixtureLatentSampler
from vaemodels.latents.prior import PriorLatentSampler


@final
class FittedSampler:
    """A latent sampler of one trained model: from N(0, 1) noise to latent vectors `z`.

    Args:
        config: Which one.
        vae: The trained model.
        codes: Draws of training images' posteriors in real coordinates, `(num_images, num_dims)`;
            None will do for the prior.

    Raises:
        ValueError: If the codes are missing, too few or not finite, or the latent vectors are
            weights on a simplex, which a scale or a shift would leave.

    Attributes:
        config: Which one.
        noise_width: Columns of noise per draw.
    """

    def __init__(self, config: LatentSamplerConfig, vae: Any, codes: NDArray[np.float32] | None):
        if vae.config.link_name in SIMPLEX_LINKS and (config.scale != 1 or config.shift != 0):
            advice = f"The latent vectors of {vae.config.variant!r} are weights that sum to 1."
            raise refuse("latent_sampler", "no scale and no shift", str(config), advice)
        self.config, self._link = config, vae.link
        self._sampler = _fit(config, vae, codes)
        self.noise_width = self._sampler.noise_width

    def draw(self, noise: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns `z` `(num_samples, latent_dim)` from noise `(num_samples, noise_width)`."""
        real = self._sampler.draw(noise).astype(np.float32)
        z = np.asarray(self._link(self._link.from_real(real)))
        scaled: NDArray[np.float32] = np.float32(self.config.scale) * z
        return scaled + np.float32(self.config.shift)


def _fit(
    config: LatentSamplerConfig, vae: Any, codes: NDArray[np.float32] | None
) -> AbstractLatentSampler:
    if config.kind == "prior":
        return PriorLatentSampler(vae)
    if codes is None:
        raise refuse("codes", f"codes of training images for {config.kind!r}", None)
    if config.kind == "gaussian_mixture":
        return GaussianMixtureLatentSampler(codes, config.num_components)
    return (GaussianLatentSampler if config.kind == "gaussian" else CopulaLatentSampler)(codes)
