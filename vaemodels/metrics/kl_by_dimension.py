"""How many nats each latent carries. It needs the model, unlike what latent_space.py has."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least
from vaemodels.divergences import kl_per_dimension
from vaemodels.metrics.arrays import check_model


def kl_by_dimension(
    vae: Any, images: NDArray[Any], *, batch_size: int = 500
) -> NDArray[np.float64]:
    """Returns KL(q(u_j|x) || p(u_j)) in nats, mean over images, one per latent: `(K,)` float64.

    A latent near 0 tells nothing about the image. Dropout is off.

    Args:
        vae: A model with a prior, whose KL splits into dimensions.
        images: `(num_images >= 1, height, width, channels)` in [0, 1], of the model's shape.
        batch_size: Integer >= 1 of images encoded at once.

    Raises:
        ValueError: If the model is an autoencoder, its KL does not split, the images are not the
            model's, or a KL is not finite.
    """
    check_at_least(1, batch_size=batch_size)
    check_model(vae, images, lacks="KL")
    total = 0.0
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size].astype(np.float32, copy=False)
        divergences = kl_per_dimension(vae.posterior, vae.prior, vae.parameters(batch))
        total = total + np.asarray(divergences, dtype=np.float64).sum(axis=0)
    mean: NDArray[np.float64] = np.asarray(total) / len(images)
    if not np.isfinite(mean).all():
        raise ValueError("The KL has NaN or infinite values; did training diverge?")
    return mean
