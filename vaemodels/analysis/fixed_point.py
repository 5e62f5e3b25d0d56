"""The limiting distribution: what a model makes of its own images, again and again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from vaemodels.analysis.likelihood_draws import can_be_drawn, draw_images, pixel_noise_kind
from vaemodels.analysis.samples import mean_pairwise_distance
from vaemodels.checks import check_at_least, check_one_of, refuse
from vaemodels.compiling import compiled
from vaemodels.noise import draw, generator

PIXELS: Final = ("sample", "mean")
# Images nearer than this share of the first mean distance are taken for the same fixed point.
_SAME: Final = 0.25


@final
@dataclass(frozen=True, eq=False)
class Chains:
    """Several chains side by side.

    Attributes:
        frames: Mean images of all chains after each iteration, uint8
            `(num_iterations + 1, num_chains, height, width, channels)`; the first are the starts.
        distances: Mean Euclidean distance between two chains' mean images after each iteration, in
            pixels' units, `(num_iterations + 1,)`.
        num_groups: Groups of chains that ended alike: single linkage of the last mean images, cut
            at a quarter of the first mean distance.
    """

    frames: NDArray[np.uint8]
    distances: NDArray[np.float64]
    num_groups: int

    @property
    def contraction(self) -> float:
        """Geometric mean of the factor by which one iteration changes the mean distance; below 1
        the chains draw together. 0 where they have met."""
        if self.distances[0] == 0 or self.distances[-1] == 0:
            return 0.0
        ratio = self.distances[-1] / self.distances[0]
        return float(ratio ** (1 / (len(self.distances) - 1)))


def run_chains(
    vae: Any,
    starts: NDArray[np.float32],
    iterations: int = 100,
    pixels: str = "sample",
    seed: int = 0,
) -> Chains:
    """Returns chains of: decode `z`, draw an image x ~ p(x|z), encode it, draw z ~ q(z|x).

    An autoencoder has no densities to draw from: its chains are deterministic. Noise comes from the
    host, so that a chain depends on (seed, its row) alone.

    Args:
        vae: The model.
        starts: Latent vectors `(num_chains >= 2, latent_dim)`.
        iterations: Integer >= 1.
        pixels: "sample", or "mean" to encode the decoder's mean image in place of a draw: a model
            of grey images that was trained as a Bernoulli has not seen black and white ones.
        seed: Integer >= 0.

    Raises:
        ValueError: If an argument is out of range, or an image is not finite.
    """
    check_at_least(1, iterations=iterations)
    check_at_least(0, seed=seed)
    check_one_of(PIXELS, pixels=pixels)
    if starts.ndim != 2 or len(starts) < 2 or starts.shape[1] != vae.latent_dim:
        raise refuse("starts", f"shape (num_chains >= 2, {vae.latent_dim})", starts.shape)
    is_drawn = pixels == "sample" and vae.has_likelihood and can_be_drawn(vae.likelihood)
    step = _compile_step(vae, len(starts), is_drawn)
    z, frames, distances = starts.astype(np.float32), [], []
    for iteration in range(iterations + 1):
        images, z = step(z, *_noise(vae, len(starts), is_drawn, seed, iteration))
        distances.append(mean_pairwise_distance(images))
        frames.append(np.rint(images * 255).astype(np.uint8))
    num_groups = _num_groups(images, _SAME * distances[0])
    return Chains(np.stack(frames), np.array(distances), num_groups)


def _compile_step(vae: Any, count: int, is_drawn: bool) -> Callable[..., Any]:
    """Returns a function from `z` and noise to the mean images of `z` and the next `z`."""
    shape = (count, *vae.config.image_shape)

    def run(z: Any, pixel_noise: Any, latent_noise: Any) -> Any:
        outputs = vae.decoder(z, training=False)
        means = vae.likelihood.mean(outputs)
        images = draw_images(vae.likelihood, outputs, pixel_noise) if is_drawn else means
        u = vae.posterior.sample(vae.parameters(images), latent_noise)
        return means, vae.link(u)

    width = vae.posterior.noise_width
    specs = [tf.TensorSpec(s, tf.float32) for s in ((count, vae.latent_dim), shape, (count, width))]
    step = compiled(run, specs)

    def on_host(*arrays: NDArray[np.float32]) -> Any:
        return tuple(np.asarray(part) for part in step(*(tf.constant(a) for a in arrays)))

    return on_host


def _noise(
    vae: Any, count: int, is_drawn: bool, seed: int, iteration: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = generator(seed, "analysis", 1 + iteration)
    latent = draw(rng, vae.posterior.noise_kind, (count, vae.posterior.noise_width))
    shape = (count, *vae.config.image_shape)
    if not is_drawn:
        return np.zeros(shape, np.float32), latent
    return draw(rng, pixel_noise_kind(vae.likelihood), shape), latent


def _num_groups(images: NDArray[np.float32], distance: float) -> int:
    from scipy.cluster.hierarchy import fcluster, linkage

    rows = images.reshape(len(images), -1).astype(np.float64)
    return int(fcluster(linkage(rows, "single"), distance, "distance").max())
