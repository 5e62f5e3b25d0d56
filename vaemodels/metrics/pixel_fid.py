"""The Frechet distance of raw pixels: no extractor, hence the same number everywhere."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import refuse
from vaemodels.metrics.arrays import check_images
from vaemodels.metrics.estimate import Estimate
from vaemodels.metrics.fid import FeatureStatistics, expected_bias, frechet_distance

# Side of the largest matrix to decompose: half a minute. More need not be waited for.
_MAX_SIDE = 4096


def pixel_frechet_distance(real_images: NDArray[Any], generated_images: NDArray[Any]) -> Estimate:
    """Returns the squared Frechet distance of the Gaussians fitted to flattened pixels in [0, 1].

    Lower is better. It sees means and covariances of pixels, not shapes, and is far from the FID
    of any extractor. Between images and their own reconstructions it is at most `n / (n - 1)`
    times the mean sum of squared errors: a check on both numbers.

    Args:
        real_images: `(num_images >= 2, height, width, channels)` in [0, 1].
        generated_images: Of the same image shape; their number may differ.

    Returns:
        Without standard error. `num_samples` is the number of images of the smaller set. The bias
        is `expected_bias`, which is that of *independent* sets, reconstructions having less; None
        where a set has fewer images than there are pixels, for which the formula does not hold.

    Raises:
        ValueError: If shapes differ, a pixel is NaN or outside [0, 1], or both the pixels and the
            images of each set are more than 4,096.

    References:
        Source 004's FID, where it compares originals with reconstructions; Heusel et al., 2017,
        equation 6, https://arxiv.org/abs/1706.08500
    """
    check_images(2, real_images=real_images, generated_images=generated_images)
    if real_images.shape[1:] != generated_images.shape[1:]:
        raise ValueError(
            "Invalid shape for `generated_images`. Expected that of `real_images`, "
            f"{real_images.shape[1:]}. Received: {generated_images.shape[1:]}."
        )
    real, generated = (
        images.reshape(len(images), -1).astype(np.float64)
        for images in (real_images, generated_images)
    )
    smaller = min(len(real), len(generated))
    if smaller < real.shape[1]:
        return Estimate(_few_images_distance(real, generated), None, smaller)
    if real.shape[1] > _MAX_SIDE:
        raise _too_large(smaller, real.shape[1])
    reference = FeatureStatistics.from_features(real)
    distance = frechet_distance(reference, FeatureStatistics.from_features(generated))
    return Estimate(distance, None, smaller, expected_bias(reference, len(generated)))


def _few_images_distance(real: NDArray[np.float64], generated: NDArray[np.float64]) -> float:
    """Returns the same distance from the images, without a covariance matrix.

    With centred X (n, d) and Y (m, d), the eigenvalues of C1 @ C2 are the squared singular values
    of X @ Y.T over (n - 1) * (m - 1), so the trace of the root is a sum of singular values.
    """
    if min(len(real), len(generated)) > _MAX_SIDE:
        raise _too_large(min(len(real), len(generated)), real.shape[1])
    gap = real.mean(axis=0) - generated.mean(axis=0)
    # Dividing here makes every covariance a plain product.
    x, y = ((part - part.mean(axis=0)) / np.sqrt(len(part) - 1) for part in (real, generated))
    trace_root = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    return max(float(gap @ gap + np.vdot(x, x) + np.vdot(y, y) - 2.0 * trace_root), 0.0)


def _too_large(num_images: int, num_pixels: int) -> ValueError:
    return refuse(
        "generated_images",
        f"at most {_MAX_SIDE} pixels per image or {_MAX_SIDE} images",
        f"{num_images} images of {num_pixels} pixels",
        f"Pass {_MAX_SIDE} images of the set, or compare features of an extractor.",
    )
