"""The images of a preset: the published ones where they are at hand, else the same share."""

import dataclasses
import math
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.data.source import Source
from vaemodels.presets.preset import Training

# Of a fast run.
FAST_IMAGES: Final = 6_400
FAST_HELD_OUT: Final = 2_000
FAST_EPOCHS: Final = 2
FAST_STEPS: Final = 100


@final
@dataclasses.dataclass(frozen=True, eq=False)
class PresetImages:
    """What a preset trains on and is measured on.

    Attributes:
        train: `(num, height, width, channels)` uint8, one epoch in file order; images repeat where
            an epoch goes round.
        num_train: Different images among them.
        num_published: Different images of the published training.
        validation: Held-out images of the losses.
        test: Images of the test set.
        test_labels: `(num,)`.
        scale: Value of a white pixel.
        epochs: To train.
    """

    train: NDArray[Any]
    num_train: int
    num_published: int
    validation: NDArray[Any]
    test: NDArray[Any]
    test_labels: NDArray[np.int64]
    scale: float
    epochs: int

    @property
    def is_complete(self) -> bool:
        """Whether as many different images train as in the publication."""
        return self.num_train >= self.num_published


def split(source: Source) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Returns training images, test images and test labels, in the order of the files."""
    end = len(source.images) - source.num_test
    if source.num_test == 0 or source.labels is None:
        raise ValueError(
            f"Invalid data set {source.name!r}. Expected labelled images with a test split. "
            f"Received: num_test={source.num_test}."
        )
    return source.images[:end], source.images[end:], source.labels[end:]


def preset_images(source: Source, work: Training, *, fast: bool) -> PresetImages:
    """Returns the images of a training.

    Args:
        source: The data set, as it was read.
        work: Says how many images train, and in which order.
        fast: Whether to take a small part.
    """
    images, test, test_labels = split(source)
    if fast:
        images = images[:FAST_IMAGES]
        test, test_labels = test[:FAST_HELD_OUT], test_labels[:FAST_HELD_OUT]
    if work.steps_per_epoch is None:
        # The published share of what there is, e.g. 50,000 of 60,000.
        num_train = min(work.num_images, len(images) * work.num_images // work.num_available)
        train, rest = images[:num_train], images[num_train:]
        validation = rest if work.num_images < work.num_available else test
    else:
        steps = min(work.steps_per_epoch, FAST_STEPS) if fast else work.steps_per_epoch
        num_train = min(len(images), steps * work.training.batch_size)
        train = images[np.arange(steps * work.training.batch_size) % num_train]
        validation = test
    epochs = work.training.epochs
    return PresetImages(
        train,
        num_train,
        work.num_images,
        validation,
        test,
        test_labels,
        source.scale,
        min(epochs, FAST_EPOCHS) if fast else epochs,
    )


def linear_optimum(
    images: NDArray[Any], scale: float, standardize: tuple[float, float], latent_dim: int
) -> tuple[float, float]:
    """Returns the lowest negative ELBO of a linear VAE with one learned variance, and its sigma.

    That of probabilistic PCA: `(d log(2 pi) + sum(log l_i, i <= z) + (d - z) log(s) + d) / 2` with
    the eigenvalues `l` of the covariance and `s` the mean of those that are left out.

    Args:
        images: `(num_images >= 2, height, width, channels)`.
        scale: Value of a white pixel.
        standardize: (mean, standard deviation) of pixels in [0, 1].
        latent_dim: Integer >= 1, below the number of pixels.

    Returns:
        In nats per image on standardised pixels, and in units of standardised pixels.

    References:
        Tipping & Bishop, 1999, equation 8, https://doi.org/10.1111/1467-9868.00196; Lucas et al.,
        2019, https://arxiv.org/abs/1911.02469
    """
    flat = images.reshape(len(images), -1).astype(np.float64) / scale
    flat = (flat - standardize[0]) / standardize[1]
    eigenvalues = np.linalg.eigvalsh(np.cov(flat, rowvar=False, ddof=0))[::-1]
    num_pixels = len(eigenvalues)
    variance = float(eigenvalues[latent_dim:].mean())
    logs = np.log(eigenvalues[:latent_dim]).sum() + (num_pixels - latent_dim) * math.log(variance)
    loss = 0.5 * (num_pixels * math.log(2 * math.pi) + logs + num_pixels)
    return float(loss), math.sqrt(variance)
