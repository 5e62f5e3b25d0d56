"""The limiting distribution as pictures: the last images, how fast they meet, an animation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vaemodels.analysis.drawing import (
    BLUE,
    GREY,
    ORANGE,
    Panel,
    draw_panels,
    new_figure,
    plain_axis,
    save,
)
from vaemodels.analysis.findings import Finding, Result
from vaemodels.analysis.fixed_point import Chains, run_chains
from vaemodels.analysis.likelihood_draws import can_be_drawn
from vaemodels.analysis.samples import mean_pairwise_distance, sampler_title
from vaemodels.analysis.sheets import image_sheet
from vaemodels.analysis.subject import Subject
from vaemodels.metrics.estimate import Estimate

_NUM_CHAINS: Final = 60
_ITERATIONS: Final = 100
_COLUMNS: Final = 15
_SHOWN: Final = (0, 1, 10, _ITERATIONS)
_FRAME_MILLISECONDS: Final = 80
_LAST_FRAME_MILLISECONDS: Final = 2000
_ANIMATION_WIDTH: Final = 600  # pixels, at least about half of them
_FILES: Final = ("fixed_point.png", "fixed_point_distance.png", "fixed_point.gif")
_WORDS: Final = {
    "sample": "images drawn from p(x|z)",
    "mean": "mean images",
    "map": "deterministic",
}


def analyze_fixed_point(subject: Subject, folder: Path) -> Result:
    """Runs 60 chains for 100 iterations; a model with a likelihood also on its mean images."""
    name, sampler = next(iter(subject.samplers.items()))
    starts = subject.draw_latents(sampler, _NUM_CHAINS)
    kinds = {"sample": "sample", "mean": "mean"} if subject.vae.has_likelihood else {"map": "mean"}
    if not can_be_drawn(subject.vae.likelihood):
        kinds.pop("sample", None)
    chains = {
        kind: run_chains(subject.vae, starts, _ITERATIONS, pixels, subject.seed)
        for kind, pixels in kinds.items()
    }
    first = next(iter(chains.values()))
    _draw_frames(first, sampler_title(subject, name), folder / _FILES[0])
    _draw_distances(chains, _real_distance(subject), folder / _FILES[1])
    write_animation(first.frames, folder / _FILES[2])
    found = [finding for kind, chain in chains.items() for finding in _findings(kind, chain)]
    series = {f"distance_{kind}": chain.distances.tolist() for kind, chain in chains.items()}
    caption = (
        "Each chain decodes a latent vector, draws an image, encodes it and draws the next latent "
        "vector. Where all chains meet, the model has one limiting image; where they stop apart, "
        "it has several fixed points."
    )
    return Result(caption, _FILES, found, series)


def write_animation(frames: NDArray[np.uint8], path: Path) -> None:
    """Writes sheets of images as an endless GIF, with the number of the iteration below.

    Args:
        frames: uint8 `(num_frames >= 1, num_images, height, width, 1 or 3)`.
        path: A GIF file.
    """
    from PIL import Image, ImageDraw

    width = _COLUMNS * (frames.shape[3] + 1)
    zoom = max(1, _ANIMATION_WIDTH // width)
    pictures = []
    for number, images in enumerate(frames):
        sheet = image_sheet(images.astype(np.float32) / 255, _COLUMNS, zoom, zoom)
        picture = Image.fromarray(sheet)
        page = Image.new(picture.mode, (picture.width, picture.height + 16), "white")
        page.paste(picture)
        text = f"iteration {number}"
        ImageDraw.Draw(page).text((4, picture.height + 2), text, fill="black")
        pictures.append(page)
    waits = [_FRAME_MILLISECONDS] * (len(pictures) - 1) + [_LAST_FRAME_MILLISECONDS]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=waits, loop=0)


def _findings(kind: str, chain: Chains) -> list[Finding]:
    def of(name: str, label: str, value: float, unit: str = "") -> Finding:
        estimate = Estimate(value, None, _NUM_CHAINS)
        return Finding(f"fixed_point_{name}_{kind}", f"{label} ({_WORDS[kind]})", estimate, unit)

    return [
        of("contraction", "factor per iteration of the distance between chains", chain.contraction),
        of("groups", "groups of chains that ended alike", chain.num_groups, f"of {_NUM_CHAINS}"),
    ]


def _real_distance(subject: Subject) -> float | None:
    if subject.data is None or len(subject.images) < 2:
        return None
    return mean_pairwise_distance(subject.images[:_NUM_CHAINS])


def _draw_frames(chains: Chains, sampler: str, path: Path) -> None:
    panels = []
    for iteration in _SHOWN:
        title = f"After {iteration} iteration{'s' if iteration > 1 else ''}"
        if iteration == 0:
            title = f"Start: {_NUM_CHAINS} samples of {sampler}"
        images = chains.frames[iteration].astype(np.float32) / 255
        panels.append(Panel(title, images, columns=_COLUMNS))
    draw_panels(panels, path)


def _draw_distances(chains: Mapping[str, Chains], real: float | None, path: Path) -> None:
    figure = new_figure(8.0, 3.6)
    axis = figure.subplots()
    for (kind, chain), colour in zip(chains.items(), (BLUE, ORANGE), strict=False):
        axis.plot(chain.distances, color=colour, label=_WORDS[kind])
    if real is not None:
        axis.axhline(real, color=GREY, linestyle="--", linewidth=1, label="test images")
    axis.set_ylim(bottom=0)
    axis.set_xlim(0, _ITERATIONS)
    axis.set_xlabel("iteration")
    axis.set_ylabel("mean distance between images\n(Euclidean, pixels in [0, 1])")
    axis.set_title("How far apart the chains are", loc="left", fontsize=11)
    _legend_beside(axis)
    plain_axis(axis)
    save(figure, path)


def _legend_beside(axis: Any) -> None:
    axis.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
