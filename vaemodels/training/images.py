"""Checks of the images that a model is trained or evaluated on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.config import VAEConfig

_CHECKED_AT_ONCE = 1000  # images may be memory-mapped and larger than the memory


def check_images(images: NDArray[Any], config: VAEConfig) -> None:
    """Refuses images of another type or shape than the model's, and none at all."""
    if images.dtype not in (np.uint8, np.float32) or images.shape[1:] != config.image_shape:
        raise ValueError(
            f"Invalid value for `images`. Expected uint8 or float32 of shape (num_images, "
            f"{', '.join(map(str, config.image_shape))}). "
            f"Received: {images.dtype.name} of shape {images.shape}."
        )
    if not len(images):
        raise ValueError(
            f"Invalid value for `images`. Expected at least 1 image. Received: {images.shape=}."
        )


def check_pixels(images: NDArray[Any]) -> None:
    """Refuses what cannot be learnt from: a single image, and pixels that are no numbers."""
    if len(images) < 2:
        raise ValueError(
            "Invalid value for `images`. Expected at least 2 images to train on. "
            f"Received: {images.shape=}."
        )
    rows = range(0, len(images), _CHECKED_AT_ONCE)
    for start in rows if images.dtype.kind == "f" else ():
        if not np.isfinite(images[start : start + _CHECKED_AT_ONCE]).all():
            raise ValueError(
                "Invalid value for `images`. Expected finite pixels. Received: NaN or infinity in "
                f"images {start} to {min(start + _CHECKED_AT_ONCE, len(images)) - 1}."
            )
