"""Codes of real images, disturbed more and more: how far a code may be off."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vaemodels.analysis.drawing import Panel, clipped, draw_panels
from vaemodels.analysis.findings import Finding, Result
from vaemodels.analysis.reconstructions import squared_errors
from vaemodels.analysis.subject import Subject
from vaemodels.metrics.estimate import Estimate
from vaemodels.noise import draw, generator

LEVELS: Final = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0)
_ROWS: Final = 6
_NUM_IMAGES: Final = 500  # that errors are measured on
_FILE: Final = "code_noise.png"
_NOISE_INDEX: Final = 1_000_000  # beyond the iterations of the fixed point


def noisy_codes(
    codes: NDArray[Any], spread: NDArray[Any], level: float, seed: int
) -> NDArray[np.float32]:
    """Returns codes with normal noise of `level` standard deviations, `(num_images, num_dims)`.

    The noise is the same for every level but for its size.

    Args:
        codes: In real coordinates, `(num_images, num_dims)`.
        spread: Standard deviation of each dimension over images, `(num_dims,)`: in these units,
            models with codes of any scale can be compared.
        level: Number >= 0.
        seed: Integer >= 0.
    """
    noise = draw(generator(seed, "analysis", _NOISE_INDEX), "normal", codes.shape)
    disturbed: NDArray[np.float32] = codes + np.float32(level) * noise * spread.astype(np.float32)
    return disturbed


def analyze_code_noise(subject: Subject, folder: Path) -> Result:
    """Draws images (rows) decoded from codes with more and more noise (columns)."""
    codes = subject.real_codes[:_NUM_IMAGES]
    images = subject.images[:_NUM_IMAGES]
    spread = subject.real_codes.std(axis=0)
    shown, found = [clipped(images[:_ROWS])], []
    for level in LEVELS:
        z = subject.latents(noisy_codes(codes, spread, level, subject.seed))
        decoded = subject.inference.decode(z)
        shown.append(clipped(decoded[:_ROWS]))
        error = Estimate.of_mean(squared_errors(images, decoded))
        label = f"squared error with {level:g} deviations of noise on the code"
        name = f"squared_error_at_noise_{level:g}"
        found.append(Finding(name, label, error, "squared pixels"))
    flat = np.stack(shown, axis=1).reshape(-1, *images.shape[1:])
    panel = Panel(
        "Test images, then decoded from their codes with more and more noise",
        flat,
        columns=len(shown),
        x_labels=["image", *(f"{level:g}" for level in LEVELS)],
        x_title="noise on the code (standard deviations of each latent over images)",
    )
    draw_panels([panel], folder / _FILE)
    series = {"noise": list(LEVELS), "squared_error": [f.estimate.value for f in found]}
    caption = "A latent space without holes turns small noise into small changes of a real image."
    return Result(caption, [_FILE], [found[0], found[LEVELS.index(1.0)]], series)
