"""From one image to another through the latent space."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vaemodels.analysis.drawing import Panel, clipped, draw_panels
from vaemodels.analysis.findings import Finding, Result
from vaemodels.analysis.reconstructions import squared_errors
from vaemodels.analysis.subject import Subject
from vaemodels.checks import check_at_least, refuse
from vaemodels.metrics.estimate import Estimate

_NUM_PAIRS: Final = 6
_STEPS: Final = 11
_FILE: Final = "interpolation.png"


def interpolate(first: NDArray[Any], second: NDArray[Any], num_points: int) -> NDArray[np.float32]:
    """Returns points on straight lines between codes, `(num_pairs, num_points, num_dims)`.

    Args:
        first: Real coordinates `(num_pairs, num_dims)`; log-ratios where `z` is a simplex, so that
            no point leaves it.
        second: The other ends, of the same shape.
        num_points: Integer >= 2, both ends included.

    Raises:
        ValueError: If the shapes differ or there are fewer than 2 points.
    """
    check_at_least(2, num_points=num_points)
    if first.ndim != 2 or first.shape != second.shape:
        raise refuse("second", f"shape {first.shape}, that of `first`", second.shape)
    weights = np.linspace(0.0, 1.0, num_points, dtype=np.float32)[None, :, None]
    return (1 - weights) * first[:, None] + weights * second[:, None]


def analyze_interpolation(subject: Subject, folder: Path) -> Result:
    """Draws lines between pairs of images, of two classes where there are classes."""
    pairs = chosen_pairs(subject)
    lines = interpolate(subject.real_codes[pairs[:, 0]], subject.real_codes[pairs[:, 1]], _STEPS)
    z = subject.latents(lines.reshape(-1, lines.shape[-1]))
    images = subject.inference.decode(z).reshape(len(pairs), _STEPS, *subject.images.shape[1:])
    ends = (clipped(subject.images[pairs[:, side]])[:, None] for side in (0, 1))
    start, end = ends
    rows = np.concatenate([start, clipped(images), end], axis=1)
    labels = ["image", *(f"{k / (_STEPS - 1):.0%}" for k in range(_STEPS)), "image"]
    flat = rows.reshape(-1, *rows.shape[2:])
    title = "From the left test image to the right one, along a straight line between their codes"
    panel = Panel(title, flat, columns=len(labels), x_labels=labels, x_title="way along the line")
    draw_panels([panel], folder / _FILE)
    ratio = Estimate.of_mean(_unevenness(images))
    found = Finding(
        "interpolation_unevenness", "largest step of an interpolation over its mean step", ratio
    )
    caption = (
        "Steps of one size in the latent space should change the image by about as much; a jump "
        "is a hole that nothing decodes to well. 1 is perfectly even."
    )
    return Result(caption, [_FILE], [found])


def chosen_pairs(subject: Subject) -> NDArray[np.int64]:
    """Returns rows of images to connect, `(num_pairs, 2)`: neighbours in the data, of two classes
    where labels say so."""
    count = len(subject.images)
    if subject.data is None or subject.data.few_labels is None:
        rows = np.arange(min(2 * _NUM_PAIRS, count // 2 * 2))
        return rows.reshape(-1, 2)
    labels, pairs, used = subject.labels, [], set()
    for row in range(count):
        others = np.flatnonzero(labels != labels[row])
        other = next((int(o) for o in others if o > row and int(o) not in used), None)
        if row in used or other is None:
            continue
        used |= {row, other}
        pairs.append((row, other))
        if len(pairs) == _NUM_PAIRS:
            break
    return np.array(pairs or [(0, 1)], dtype=np.int64)


def _unevenness(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the largest distance between neighbours over their mean, one per pair."""
    steps = np.stack(
        [np.sqrt(squared_errors(line[:-1], line[1:])) for line in images.astype(np.float64)]
    )
    means = steps.mean(axis=1)
    return np.where(means > 0, steps.max(axis=1) / np.where(means > 0, means, 1), 1.0)
