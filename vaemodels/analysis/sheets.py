"""Contact sheets: many small images in one picture."""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least

_BACKGROUND = 128  # mid-grey, so that the edges of black and of white images can be seen


def image_sheet(
    images: NDArray[Any], columns: int, zoom: int = 1, gap: int = 1
) -> NDArray[np.uint8]:
    """Returns images side by side, row by row, as one picture.

    Args:
        images: `(num_images >= 1, height, width, 1 or 3)` floats in [0, 1].
        columns: Integer >= 1, images per row.
        zoom: Integer >= 1, every pixel becomes a square of this side.
        gap: Integer >= 0, pixels between and around the images.

    Returns:
        uint8, `(sheet_height, sheet_width)` for grey images, else `(.., .., 3)`.

    Raises:
        ValueError: If an argument is out of range.
    """
    _check_images(images)
    check_at_least(1, columns=columns, zoom=zoom)
    check_at_least(0, gap=gap)
    pixels = np.rint(images * 255.0).astype(np.uint8).repeat(zoom, axis=1).repeat(zoom, axis=2)
    num_images, height, width, channels = pixels.shape
    columns = min(columns, num_images)
    rows = -(-num_images // columns)
    shape = (gap + rows * (height + gap), gap + columns * (width + gap), channels)
    sheet = np.full(shape, _BACKGROUND, np.uint8)
    for number, picture in enumerate(pixels):
        top = gap + number // columns * (height + gap)
        left = gap + number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet[..., 0] if channels == 1 else sheet


def image_pairs(originals: NDArray[Any], reconstructions: NDArray[Any]) -> NDArray[Any]:
    """Returns each original followed by its reconstruction; show them with an even `columns`.

    Raises:
        ValueError: If the two have different shapes.
    """
    if originals.shape != reconstructions.shape:
        raise ValueError(
            "Invalid shape for `reconstructions`. Expected that of `originals`, "
            f"{originals.shape}. Received: {reconstructions.shape}."
        )
    return np.stack([originals, reconstructions], axis=1).reshape(-1, *originals.shape[1:])


def write_png(picture: NDArray[np.uint8], file: Path | BinaryIO) -> None:
    """Writes a picture that `image_sheet` made to a path or an open binary file."""
    from PIL import Image

    Image.fromarray(picture).save(file, format="PNG")


def _check_images(images: NDArray[Any]) -> None:
    if images.ndim != 4 or 0 in images.shape or images.shape[3] not in (1, 3):
        raise ValueError(
            "Invalid shape for `images`. Expected (num_images >= 1, height, width, 1 or 3). "
            f"Received: {images.shape}."
        )
    # Written so that NaN fails as well.
    if not (images.min() >= 0.0 and images.max() <= 1.0):
        raise ValueError(
            "Invalid value for `images`. Expected floats in [0, 1]. Received: values from "
            f"{images.min():g} to {images.max():g}."
        )
