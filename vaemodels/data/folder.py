"""A folder with one subfolder of images per class."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.data.source import Source

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_GREY_MODES = ("1", "L", "LA")
_COLOUR_MODES = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB")


def read_folder(folder: Path) -> Source:
    """Returns the images of a folder; the names of its subfolders are the classes.

    Images are grey if all of them are, else RGB; transparency is dropped. Names that start with a
    dot are passed over; anything else that is not an image is refused rather than left out.

    Raises:
        ValueError: If there is no image, a file is not a readable 8-bit image, or sizes differ.
    """
    class_folders = sorted(path for path in folder.iterdir() if path.is_dir() and _visible(path))
    files = [(path, label) for label, sub in enumerate(class_folders) for path in _images_of(sub)]
    if not files:
        raise ValueError(
            f"Invalid folder {folder}. Expected one subfolder of images per class. Received: "
            f"{len(class_folders)} subfolders without an image."
        )
    pictures = [_read_image(path) for path, _ in files]
    first = pictures[0].shape[:2]
    for (path, _), picture in zip(files, pictures, strict=True):
        if picture.shape[:2] != first:
            raise ValueError(
                f"Invalid image {path}. Expected {first[1]}x{first[0]} pixels as in {files[0][0]}. "
                f"Received: {picture.shape[1]}x{picture.shape[0]}; make all images one size."
            )
    channels = max(picture.shape[2] for picture in pictures)
    return Source(
        name=folder.name,
        images=np.stack([np.broadcast_to(picture, (*first, channels)) for picture in pictures]),
        scale=255.0,
        labels=np.array([label for _, label in files], np.int64),
        class_names=tuple(path.name for path in class_folders),
    )


def _visible(path: Path) -> bool:
    return not path.name.startswith(".")


def _images_of(class_folder: Path) -> list[Path]:
    paths = sorted(path for path in class_folder.iterdir() if _visible(path))
    for path in paths:
        if path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            raise ValueError(
                f"Invalid file {path}. Expected only images ({' '.join(IMAGE_SUFFIXES)}) in the "
                f"folder of a class. Received: {path.name!r}; move it away."
            )
    return paths


def _read_image(path: Path) -> NDArray[Any]:
    """`(height, width, 1 or 3)` uint8."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode not in _GREY_MODES + _COLOUR_MODES:
                raise ValueError(f"pixels of mode {image.mode!r}")
            pixels = np.asarray(image.convert("L" if image.mode in _GREY_MODES else "RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"Invalid image {path}. Expected a readable picture of 8 bits per channel. "
            f"Received: {error}."
        ) from error
    return pixels if pixels.ndim == 3 else pixels[..., None]
