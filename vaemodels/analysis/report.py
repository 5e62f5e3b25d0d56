"""All analyses of one model, in one folder."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from vaemodels.analysis.centroids import analyze_centroids
from vaemodels.analysis.code_noise import analyze_code_noise
from vaemodels.analysis.consistency import analyze_quality
from vaemodels.analysis.findings import Result
from vaemodels.analysis.fixed_point_report import analyze_fixed_point
from vaemodels.analysis.interpolation import analyze_interpolation
from vaemodels.analysis.latent_use import analyze_latent_use
from vaemodels.analysis.manifold import analyze_manifold, has_normal_plane
from vaemodels.analysis.page import page
from vaemodels.analysis.reconstructions import analyze_reconstructions
from vaemodels.analysis.samples import analyze_samples
from vaemodels.analysis.scatter import FEWEST_IMAGES, analyze_latent_space
from vaemodels.analysis.silhouettes import analyze_silhouettes
from vaemodels.analysis.subject import Subject

PAGE: Final = "index.html"
NUMBERS: Final = "numbers.json"


@final
@dataclass(frozen=True)
class AnalysisReport:
    """What all analyses of a model gave.

    Attributes:
        name: Of the model.
        folder: With the page `index.html`, `numbers.json` and the pictures.
        results: By title, in the page's order.
        absent: Title of each analysis that makes no sense here, and why.
        seconds: That each analysis took, by title.
    """

    name: str
    folder: Path
    results: Mapping[str, Result]
    absent: Mapping[str, str]
    seconds: Mapping[str, float]

    @property
    def page(self) -> Path:
        """The page to look at."""
        return self.folder / PAGE

    @property
    def alarms(self) -> tuple[str, ...]:
        """What is wrong with the model, a sentence each."""
        return tuple(alarm for result in self.results.values() for alarm in result.alarms)

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return {
            "name": self.name,
            "alarms": list(self.alarms),
            "analyses": {title: result.to_json() for title, result in self.results.items()},
            "absent": dict(self.absent),
        }


@final
@dataclass(frozen=True)
class _Analysis:
    """One analysis.

    Args:
        title: Of its section.
        run: Draws into a folder.
        why_not: Says why it makes no sense for a subject; None if it does.
    """

    title: str
    run: Callable[[Subject, Path], Result]
    why_not: Callable[[Subject], str | None]


def analyze(
    subject: Subject,
    folder: str | os.PathLike[str],
    *,
    name: str = "model",
    quality_by_epoch: Sequence[tuple[int, float, float]] = (),
    progress: Callable[[str, int, int], None] | None = None,
) -> AnalysisReport:
    """Writes all analyses that make sense for a model into a folder, with a page that shows them.

    Args:
        subject: The model, the images it is held against, and how latent vectors are drawn.
        folder: New or empty.
        name: Of the model, for the page.
        quality_by_epoch: (epoch, FID, TVD) of its training, ascending in epochs; what is not
            finite is left out.
        progress: Called with (title, number of analyses done, of all) before each, and at the end.

    Raises:
        ValueError: If the folder holds something, or an image, code or sample is not finite.
        OSError: If the folder cannot be written.
    """
    path = Path(folder)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"{path} is there already and not empty. Name a new folder.")
    path.mkdir(parents=True, exist_ok=True)
    curve = [row for row in quality_by_epoch if np.isfinite(row[1:]).all()]
    analyses = (*_ANALYSES, _of_quality(curve))
    results, absent, seconds = {}, {}, {}
    for done, analysis in enumerate(analyses):
        if progress:
            progress(analysis.title, done, len(analyses))
        reason = analysis.why_not(subject)
        if reason is not None:
            absent[analysis.title] = reason
            continue
        start = time.perf_counter()
        results[analysis.title] = analysis.run(subject, path)
        seconds[analysis.title] = time.perf_counter() - start
    if progress:
        progress("the page", len(analyses), len(analyses))
    report = AnalysisReport(name, path, results, absent, seconds)
    numbers = {**report.to_json(), "model": subject.vae.config.to_json(), "seconds": seconds}
    (path / NUMBERS).write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    about = _about(subject)
    (path / PAGE).write_text(page(name, about, results, absent), encoding="utf-8")
    return report


def draw_latent_pictures(subject: Subject, folder: Path) -> None:
    """Draws into a folder that is there what shows the latent space: the pictures of `analyze`
    that take a few seconds, those that make sense for the model.

    Raises:
        ValueError: If an image, code or sample is not finite.
        OSError: If the folder cannot be written.
    """
    for analysis in _ANALYSES:
        if analysis.title in _OF_LATENTS and analysis.why_not(subject) is None:
            analysis.run(subject, folder)


def _about(subject: Subject) -> str:
    config = subject.vae.config
    shape = "x".join(map(str, config.image_shape))
    samplers = ", ".join(subject.samplers)
    seen = "no images" if subject.data is None else f"{len(subject.images):,} test images"
    return (
        f"{config.variant}, {config.latent_dim} latents, beta {config.beta:g}, {config.likelihood} "
        f"likelihood, {subject.vae.num_parameters:,} parameters; images of {shape}. "
        f"Looked at with {seen}; latent vectors from {samplers}; seed {subject.seed}."
    )


def _always(subject: Subject) -> str | None:
    return None


def _needs(count: int) -> Callable[[Subject], str | None]:
    def why_not(subject: Subject) -> str | None:
        if subject.data is None:
            return "No images were given."
        if len(subject.images) < count:
            return f"It needs at least {count} images; there is {len(subject.images)}."
        return None

    return why_not


def _needs_varied_images(subject: Subject) -> str | None:
    reason = _needs(2)(subject)
    if reason is None and bool((subject.images == subject.images[:1]).all()):
        return "All images are the same."
    return reason


def _needs_classes(subject: Subject) -> str | None:
    if subject.data is None or subject.data.few_labels is None:
        return "No images were given." if subject.data is None else "The images have no labels."
    num_classes = len(np.unique(subject.labels))
    if num_classes < 2:
        return "All images are of one class."
    if num_classes == len(subject.labels):
        return "Every image is a class of its own."
    return None


def _needs_plane(subject: Subject) -> str | None:
    return None if has_normal_plane(subject) else _needs(2)(subject)


def _needs_points(subject: Subject) -> str | None:
    # Up to two latents are drawn as they are; more go through t-SNE.
    is_plane = subject.vae.latent_dim <= 2
    reason = _needs(1 if is_plane else FEWEST_IMAGES)(subject)
    if reason is None and not is_plane and np.allclose(subject.codes, subject.codes[:1]):
        return "All images have the same code."
    return reason


def _of_quality(curve: Sequence[tuple[int, float, float]]) -> _Analysis:
    def why_not(subject: Subject) -> str | None:
        if len(curve) < 2:
            return f"FID and TVD are known of {len(curve)} epochs; it needs at least 2."
        return None

    return _Analysis(
        "FID and TVD by epoch", lambda subject, folder: analyze_quality(curve, folder), why_not
    )


_ANALYSES: Final = (
    _Analysis("Reconstructions", analyze_reconstructions, _needs(1)),
    _Analysis("Samples", analyze_samples, _always),
    _Analysis("Manifold", analyze_manifold, _needs_plane),
    _Analysis("Use of the latents", analyze_latent_use, _needs_varied_images),
    _Analysis("Latent space", analyze_latent_space, _needs_points),
    _Analysis("Class centroids", analyze_centroids, _needs_classes),
    _Analysis("Silhouettes", analyze_silhouettes, _needs_classes),
    _Analysis("Interpolation", analyze_interpolation, _needs(2)),
    _Analysis("Noise on codes", analyze_code_noise, _needs(2)),
    _Analysis("Limiting distribution", analyze_fixed_point, _always),
)
_OF_LATENTS: Final = frozenset({"Manifold", "Use of the latents", "Latent space"})
