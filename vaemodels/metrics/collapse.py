"""The alarm for a model that ignores its images. It takes arrays, so it watches any model."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.metrics.arrays import check_images, check_table
from vaemodels.metrics.latent_space import active_units

# "Varies at all", above the rounding of a float32 encoder; an active latent has 0.1 or more.
MIN_SPREAD = 1e-3
# Any model that learns is below it after one epoch; the mean image has 1.
MAX_RECONSTRUCTION_RATIO = 0.95
MIN_KL = 0.01  # nats per latent


@final
@dataclass(frozen=True, eq=False)
class CollapseReport:
    """Whether a model uses its latents.

    Attributes:
        spread: Standard deviation of the codes over images, `(num_latents,)`, in units of the
            codes.
        active_units: Number of latents whose codes vary by more than 0.01 in variance.
        reconstruction_ratio: Mean sum of squared errors over the total variance of the pixels: 0
            for perfect reconstructions, 1 for the mean image in place of every one.
        alarms: One sentence for each thing that is wrong; empty if the model is healthy.
    """

    spread: NDArray[np.float64]
    active_units: int
    reconstruction_ratio: float
    alarms: tuple[str, ...]

    @property
    def max_spread(self) -> float:
        """Spread of the liveliest latent."""
        return float(self.spread.max())


def collapse_report(
    codes: NDArray[Any],
    reconstruction_errors: NDArray[Any],
    images: NDArray[Any],
    *,
    kl_by_dimension: NDArray[Any] | None = None,
) -> CollapseReport:
    """Returns the report on a model, whose alarms are:

    - The spread of every latent is below 0.001: the encoder gives all images one code.
    - The reconstruction ratio is at least 0.95: the decoder has learnt the mean image. A clamped
      stick-breaking posterior trained to exactly that state, at a ratio of 1, and its losses
      looked like those of a model that learns.
    - No latent is active and nothing contradicts it: where known, the KL of every latent is below
      0.01 nats, elsewhere the ratio is at least 0.95. Codes of small scale, such as shares
      of a stick or those of an autoencoder, have small variances without any collapse.

    Args:
        codes: Latent means of images, `(num_images >= 2, num_latents)`.
        reconstruction_errors: Sum of squared errors of every image, `(num_images,)`, >= 0, on the
            pixels' scale [0, 1].
        images: The images, `(num_images, height, width, channels)` in [0, 1].
        kl_by_dimension: Mean KL of every latent in nats, `(num_latents,)`, or None.

    Raises:
        ValueError: If shapes do not fit, a value is not finite, an error is negative, or all images
            are the same.
    """
    check_table(2, codes=codes)
    check_images(2, images=images)
    if len(images) != len(codes):
        raise ValueError(
            f"Invalid shape for `images`. Expected one per code, {len(codes)}. "
            f"Received: {len(images)}."
        )
    _check_vector("reconstruction_errors", reconstruction_errors, len(codes))
    if kl_by_dimension is not None:
        _check_vector("kl_by_dimension", kl_by_dimension, codes.shape[1])
    spread = codes.std(axis=0, dtype=np.float64)
    num_active = active_units(codes)
    ratio = float(reconstruction_errors.mean(dtype=np.float64) / _total_variance(images))
    alarms = _alarms(float(spread.max()), num_active, ratio, kl_by_dimension)
    return CollapseReport(spread, num_active, ratio, alarms)


def _alarms(
    max_spread: float, num_active: int, ratio: float, kl: NDArray[Any] | None
) -> tuple[str, ...]:
    alarms = []
    if max_spread < MIN_SPREAD:
        alarms.append(
            "The posterior ignores the image: over images no latent mean varies by more than "
            f"{max_spread:.2g} (standard deviation; the alarm is below {MIN_SPREAD:g})."
        )
    if ratio >= MAX_RECONSTRUCTION_RATIO:
        alarms.append(
            "Reconstructions are no better than the mean image: their squared error is "
            f"{ratio:.0%} of the pixels' total variance (the alarm is from "
            f"{MAX_RECONSTRUCTION_RATIO:.0%})."
        )
    uninformed = ratio >= MAX_RECONSTRUCTION_RATIO if kl is None else kl.max() < MIN_KL
    if num_active == 0 and uninformed:
        alarms.append(
            "All latents are inactive: no latent mean has a variance above 0.01 over images."
        )
    return tuple(alarms)


def _total_variance(images: NDArray[Any]) -> float:
    """Returns the mean squared error of the mean image, summed over pixels."""
    total = float(images.var(axis=0, dtype=np.float64).sum())
    # A mean of equal floats may be off by rounding.
    if total <= 1e-12:
        raise ValueError(
            "Invalid value for `images`. Expected images that differ. Received: a total variance "
            f"of {total:.2g}."
        )
    return total


def _check_vector(name: str, values: NDArray[Any], length: int) -> None:
    if values.shape != (length,):
        raise ValueError(
            f"Invalid shape for `{name}`. Expected ({length},). Received: {values.shape}."
        )
    # A KL from single draws may lie a little below 0; errors cannot. NaN fails as well.
    lowest = 0.0 if name == "reconstruction_errors" else -np.inf
    if not (np.isfinite(values).all() and values.min() >= lowest):
        raise ValueError(f"`{name}` has NaN, infinite or negative values; did training diverge?")
