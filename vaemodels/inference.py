"""A trained model at work on many images: codes, reconstructions, draws, generated images."""

from collections.abc import Callable
from typing import Any, final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from vaemodels.compiling import FORWARD_BATCH, compiled, fixed_batches, pixels
from vaemodels.config import LatentSamplerConfig
from vaemodels.config.variants import VARIANTS
from vaemodels.latents import FittedSampler
from vaemodels.noise import draw, generator
from vaemodels.vae import VAE

# Enough to fit a latent sampler to; encoding more would cost more than the sampler gains.
_MOST_CODES = 10_000


@final
class Inference:
    """Runs a model without gradients, in compiled batches of a fixed size.

    What comes out of a row does not depend on how many others it was computed with.

    Args:
        vae: The model; its weights may change between calls.
    """

    def __init__(self, vae: VAE):
        self.vae = vae
        self._functions: dict[Any, Callable[..., Any]] = {}

    def encode(self, images: NDArray[Any], scale: float = 1.0) -> NDArray[np.float32]:
        """Returns the codes `z`, `(num_images, latent_dim)`, of images divided by `scale`."""
        return self._forward("encode", self.vae.encode, images, scale)

    def means(self, images: NDArray[Any], scale: float = 1.0) -> NDArray[np.float32]:
        """Returns the posteriors' means of `u`, `(num_images, num_dims)`."""
        return self._forward(
            "means", lambda x: self.vae.posterior.mean(self.vae.parameters(x)), images, scale
        )

    def reconstruct(self, images: NDArray[Any], scale: float = 1.0) -> NDArray[np.float32]:
        """Returns images decoded from their codes, in [0, 1]."""
        return self.reconstruct_from(self.means(images, scale))

    def reconstruct_from(self, means: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns what `reconstruct` does where the posteriors' means of `u` are known."""
        return self.decode(np.asarray(self.vae.link(means)))

    def decode(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the decoder's mean images in [0, 1] of latent vectors `(num, latent_dim)`."""
        return self._forward("decode", self.vae.decode, z, 1.0)

    def draws(self, images: NDArray[Any], scale: float = 1.0, seed: int = 0) -> NDArray[np.float32]:
        """Returns one draw of each image's posterior in real coordinates, `(num_images, num)`.

        The same noise for every model unless `seed` says otherwise, so that a latent sampler
        depends on the weights and the images alone.
        """
        posterior, link = self.vae.posterior, self.vae.link
        rng = generator(seed, "codes", 0)
        noise = draw(rng, posterior.noise_kind, (len(images), posterior.noise_width))

        def run(batch: Any, noise: Any) -> Any:
            return link.to_real(posterior.sample(self.vae.parameters(batch), noise))

        return self._forward("draws", run, images, scale, noise)

    def latent_sampler(
        self,
        images: NDArray[Any],
        scale: float = 1.0,
        config: LatentSamplerConfig | None = None,
        seed: int = 0,
    ) -> FittedSampler:
        """Returns a latent sampler, fitted to the codes of training images where it needs them.

        Args:
            images: Training images, evenly thinned to 10,000.
            scale: Value of a white pixel.
            config: By default the variant's.
            seed: Of the posteriors' draws.
        """
        if config is None:
            config = LatentSamplerConfig(VARIANTS[self.vae.config.variant].latent_sampler)
        if config.kind == "prior":
            return FittedSampler(config, self.vae, None)
        return FittedSampler(config, self.vae, self.draws(thinned(images), scale, seed))

    def _forward(
        self, name: str, run: Callable[..., Any], rows: NDArray[Any], scale: float, *more: Any
    ) -> NDArray[np.float32]:
        key = (name, rows.dtype.name, scale)
        if key not in self._functions:
            specs = [tf.TensorSpec((FORWARD_BATCH, *rows.shape[1:]), rows.dtype)]
            specs += [tf.TensorSpec((FORWARD_BATCH, *m.shape[1:]), m.dtype) for m in more]
            self._functions[key] = compiled(lambda x, *m: run(pixels(x, scale), *m), specs)
        function = self._functions[key]
        batches = [fixed_batches(array, FORWARD_BATCH) for array in (rows, *more)]
        parts = [np.asarray(function(*batch)) for batch in zip(*batches, strict=True)]
        return np.concatenate(parts)[: len(rows)]


def thinned(images: NDArray[Any], most: int = _MOST_CODES) -> NDArray[Any]:
    """Returns at most `most` images, evenly spread over all."""
    result: NDArray[Any] = images[thinned_rows(len(images), most)]
    return result


def thinned_rows(num_rows: int, most: int) -> NDArray[np.int64]:
    """Returns the numbers of at most `most` rows, evenly spread over all."""
    return np.linspace(0, num_rows - 1, min(num_rows, most)).astype(np.int64)
