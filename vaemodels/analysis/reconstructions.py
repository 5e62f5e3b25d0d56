"""Originals beside what the model makes of them."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vaemodels.analysis.drawing import Panel, clipped, draw_panels
from vaemodels.analysis.findings import Finding, Result
from vaemodels.analysis.subject import Subject
from vaemodels.metrics.estimate import Estimate

_SHOWN: Final = 16
_FILE: Final = "reconstructions.png"


def squared_errors(images: NDArray[Any], others: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the sum of squared errors over the pixels of every image, `(num_images,)`.

    Args:
        images: `(num_images, height, width, channels)` in [0, 1].
        others: Of the same shape.

    Raises:
        ValueError: If the shapes differ.
    """
    if images.shape != others.shape:
        raise ValueError(
            f"Invalid shape for `others`. Expected that of `images`, {images.shape}. "
            f"Received: {others.shape}."
        )
    residual = (images - others).reshape(len(images), -1).astype(np.float64)
    return np.square(residual).sum(axis=1)


def reconstruction_panel(subject: Subject, title: str, columns: int, num_rows: int = 1) -> Panel:
    """Returns rows of the first images, each with the row of their reconstructions below it."""
    count = min(columns * num_rows, len(subject.images))
    columns = min(columns, count)
    rows = []
    # Of what fills no whole row nothing is shown.
    for start in range(0, count - columns + 1, columns):
        chosen = slice(start, start + columns)
        rows += [clipped(subject.images[chosen]), clipped(subject.reconstructions[chosen])]
    labels = ["image", "rebuilt"] * (len(rows) // 2)
    return Panel(title, np.concatenate(rows), columns=columns, y_labels=labels)


def analyze_reconstructions(subject: Subject, folder: Path) -> Result:
    """Draws 16 images with their reconstructions, and measures the error of all."""
    title = "Test images, and below each its reconstruction"
    panel = reconstruction_panel(subject, title, _SHOWN)
    draw_panels([panel], folder / _FILE)
    errors = squared_errors(subject.images, subject.reconstructions)
    label = "squared error of a reconstruction, summed over pixels"
    found = Finding("squared_error", label, Estimate.of_mean(errors), "squared pixels")
    caption = "Images are rebuilt from their codes, the means of their posteriors."
    return Result(caption, [_FILE], [found])
