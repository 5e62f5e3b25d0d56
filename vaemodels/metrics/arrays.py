"""Checks of the arrays that metrics take, so that they all refuse the same things alike."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_table(min_rows: int, **tables: NDArray[Any]) -> None:
    """Raises `ValueError` naming the first argument that is no finite table of real numbers.

    Args:
        min_rows: Integer >= 1.
        tables: Each `(num_images >= min_rows, num_features >= 1)`.
    """
    for name, table in tables.items():
        if table.ndim != 2 or len(table) < min_rows or table.shape[1] < 1:
            raise ValueError(
                f"Invalid shape for `{name}`. Expected (num_images >= {min_rows}, "
                f"num_features >= 1). Received: {table.shape}."
            )
        _check_finite(name, table)


def check_same_width(**tables: NDArray[Any]) -> None:
    """Raises `ValueError` if the tables differ in their number of columns."""
    widths = {name: table.shape[1] for name, table in tables.items()}
    if len(set(widths.values())) > 1:
        names = " and ".join(f"`{name}`" for name in widths)
        raise ValueError(
            f"Invalid shapes for {names}. Expected equal numbers of features. "
            f"Received: {list(widths.values())}."
        )


def check_labels(num_images: int, **arguments: NDArray[Any]) -> None:
    """Raises `ValueError` naming the first argument that is not one integer label per image."""
    for name, labels in arguments.items():
        if labels.shape != (num_images,) or labels.dtype.kind not in "iu":
            raise ValueError(
                f"Invalid value for `{name}`. Expected one integer per image, shape "
                f"({num_images},). Received: shape={labels.shape}, dtype={labels.dtype}."
            )


def check_several_classes(**arguments: NDArray[Any]) -> None:
    """Raises `ValueError` naming the first argument with fewer than 2 different labels."""
    for name, labels in arguments.items():
        if (num_classes := len(np.unique(labels))) < 2:
            raise ValueError(
                f"Invalid value for `{name}`. Expected labels of at least 2 classes. "
                f"Received: {num_classes}."
            )


def check_images(min_images: int, **arguments: NDArray[Any]) -> None:
    """Raises `ValueError` naming the first argument that is not a set of images in [0, 1].

    Args:
        min_images: Integer >= 1.
        arguments: Each `(num_images >= min_images, height, width, channels)`.
    """
    for name, images in arguments.items():
        if images.ndim != 4 or len(images) < min_images or 0 in images.shape:
            raise ValueError(
                f"Invalid shape for `{name}`. Expected (num_images >= {min_images}, height, "
                f"width, channels). Received: {images.shape}."
            )
        _check_finite(name, images)
        if images.min() < 0.0 or images.max() > 1.0:
            raise ValueError(
                f"Invalid value for `{name}`. Expected floats in [0, 1]. Received: values from "
                f"{images.min():g} to {images.max():g}."
            )


def check_model(vae: Any, images: NDArray[Any], *, lacks: str) -> None:
    """Raises `ValueError` if a model has no densities over codes or the images are not its own.

    Args:
        vae: The model.
        images: `(num_images >= 1, *vae.config.image_shape)` in [0, 1].
        lacks: What cannot be computed of an autoencoder, for the message.
    """
    if vae.prior is None or not vae.posterior.has_density:
        raise ValueError(
            "Invalid value for `vae`. Expected a posterior and a prior that are densities. "
            f"Received: an autoencoder, whose posterior is a point, so that it has no {lacks}."
        )
    check_images(1, images=images)
    if images.shape[1:] != tuple(vae.config.image_shape):
        raise ValueError(
            "Invalid shape for `images`. Expected that of the model's images, "
            f"{tuple(vae.config.image_shape)}. Received: {images.shape[1:]}."
        )


def _check_finite(name: str, values: NDArray[Any]) -> None:
    if values.dtype.kind not in "fiu":
        raise ValueError(
            f"Invalid value for `{name}`. Expected real numbers. Received: dtype={values.dtype}."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"`{name}` has NaN or infinite values; did training diverge?")
