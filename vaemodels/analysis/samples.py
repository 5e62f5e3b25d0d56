"""Images decoded from draws of latent samplers."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vaemodels.analysis.drawing import Panel, draw_panels
from vaemodels.analysis.findings import Finding, Result
from vaemodels.analysis.subject import Subject
from vaemodels.checks import refuse
from vaemodels.metrics.estimate import Estimate

NUM_SAMPLES: Final = 60
_COLUMNS: Final = 15
_FILE: Final = "samples.png"


def mean_pairwise_distance(images: NDArray[Any]) -> float:
    """Returns the mean Euclidean distance between two images of a set, in pixels' units.

    Args:
        images: `(num_images >= 2, ...)`.

    Raises:
        ValueError: If there are fewer than 2 images, or a pixel is not finite.
    """
    from scipy.spatial.distance import pdist

    if len(images) < 2 or not np.isfinite(images).all():
        expected = "at least 2 images with finite pixels"
        raise refuse("images", expected, f"{len(images)} images", "Did training diverge?")
    return float(pdist(images.reshape(len(images), -1).astype(np.float64)).mean())


def sampler_title(subject: Subject, name: str) -> str:
    """Returns a latent sampler's name as a title says it."""
    if name.startswith("prior") and subject.vae.prior is None:
        return f"{name} (N(0, 1): the model has no prior)"
    return name


def analyze_samples(subject: Subject, folder: Path) -> Result:
    """Draws 60 images of each latent sampler, and measures how much they differ."""
    panels, found, pictures = [], [], [_FILE]
    for name, sampler in subject.samplers.items():
        images = subject.inference.decode(subject.draw_latents(sampler, NUM_SAMPLES))
        distance = Estimate(mean_pairwise_distance(images), None, NUM_SAMPLES)
        label = f"mean distance between two samples of {name}"
        found.append(Finding(f"sample_distance_{name}", label, distance, "pixels, Euclidean"))
        title = f"Samples of {sampler_title(subject, name)}"
        panels.append(Panel(title, images, columns=_COLUMNS))
    draw_panels(panels, folder / _FILE)
    if subject.data is not None and len(subject.images) > 1:
        real = subject.images[:NUM_SAMPLES]
        distance = Estimate(mean_pairwise_distance(real), None, len(real))
        label = "mean distance between two test images"
        found.append(Finding("real_distance", label, distance, "pixels, Euclidean"))
    caption = (
        "Every image is the decoder's mean for one drawn latent vector. Samples that lie much "
        "closer together than real images do are all alike."
    )
    return Result(caption, pictures, found)
