"""The images over a grid of two latents."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from vaemodels.analysis.drawing import Panel, draw_panels
from vaemodels.analysis.findings import Result
from vaemodels.analysis.subject import Subject
from vaemodels.checks import check_at_least, refuse
from vaemodels.config.variants import SIMPLEX_LINKS
from vaemodels.priors import StandardNormalPrior

_SIZE: Final = 15
_FILE: Final = "manifold.png"


@final
@dataclass(frozen=True, eq=False)
class Grid:
    """Points of a plane through the latent space.

    Attributes:
        real: Real coordinates `(rows * columns, num_dims)`, row by row from the top.
        dims: The two dimensions that vary, the horizontal one first; one if there is only one.
        x_values: Of the columns, ascending.
        y_values: Of the rows, descending, as on paper; empty for one dimension.
    """

    real: NDArray[np.float32]
    dims: tuple[int, ...]
    x_values: NDArray[np.float64]
    y_values: NDArray[np.float64]


def normal_quantiles(size: int) -> NDArray[np.float64]:
    """Returns the inverse normal CDF at `(i + 1/2) / size`, `(size,)` ascending."""
    check_at_least(1, size=size)
    return ndtri((np.arange(size) + 0.5) / size)


def latent_grid(codes: NDArray[Any] | None, num_dims: int, size: int = _SIZE) -> Grid:
    """Returns a grid of `size * size` points over the two most active dimensions.

    Without codes it lies at the quantiles of N(0, 1), evenly in probability. With codes it lies at
    their quantiles, and every other dimension is at its mean code; the most active dimensions are
    those whose codes vary most over images.

    Args:
        codes: In real coordinates, `(num_images >= 2, num_dims)`, or None for a prior N(0, 1) of
            at most 2 dimensions.
        num_dims: Integer >= 1, used without codes.
        size: Integer >= 1 of points a side.

    Raises:
        ValueError: If there are no codes for more than 2 dimensions.
    """
    check_at_least(1, num_dims=num_dims, size=size)
    if codes is None:
        if num_dims > 2:
            raise refuse("codes", "codes of images for more than 2 dimensions", None)
        values = {dim: normal_quantiles(size) for dim in range(num_dims)}
        centre = np.zeros(num_dims)
    else:
        num_dims = codes.shape[1]
        active = np.argsort(-codes.var(axis=0), kind="stable")[:2]
        levels = (np.arange(size) + 0.5) / size
        values = {int(dim): np.quantile(codes[:, dim], levels) for dim in sorted(active)}
        centre = codes.mean(axis=0, dtype=np.float64)
    dims = tuple(values)
    x_values = values[dims[0]]
    y_values = values[dims[1]][::-1] if len(dims) > 1 else np.empty(0)
    num_rows = max(len(y_values), 1)
    real = np.tile(centre, (num_rows * len(x_values), 1))
    real[:, dims[0]] = np.tile(x_values, num_rows)
    if len(dims) > 1:
        real[:, dims[1]] = np.repeat(y_values, len(x_values))
    return Grid(real.astype(np.float32), dims, x_values, y_values)


def has_normal_plane(subject: Subject) -> bool:
    """Returns whether the latents are at most two with the prior N(0, 1): no codes needed."""
    is_normal = isinstance(subject.vae.prior, StandardNormalPrior)
    return is_normal and subject.vae.has_likelihood and subject.vae.posterior.num_dims <= 2


def analyze_manifold(subject: Subject, folder: Path) -> Result:
    """Draws the grid, once for every scale and shift among the latent samplers."""
    codes = None if has_normal_plane(subject) else subject.real_codes
    grid = latent_grid(codes, subject.vae.posterior.num_dims)
    z = subject.latents(grid.real)
    configs = [sampler.config for sampler in subject.samplers.values()]
    panels = []
    for scale, shift in dict.fromkeys((config.scale, config.shift) for config in configs):
        images = subject.inference.decode(np.float32(scale) * z + np.float32(shift))
        panels.append(_panel(subject, grid, images, (scale, shift)))
    draw_panels(panels, folder / _FILE)
    if codes is None:
        caption = "The grid lies at quantiles of N(0, 1), evenly in probability."
    else:
        caption = "The grid lies at quantiles of the test images' codes, from rare to rare."
    return Result(caption, [_FILE])


def _panel(
    subject: Subject, grid: Grid, images: NDArray[np.float32], change: tuple[float, float]
) -> Panel:
    scale, shift = change
    is_simplex = subject.vae.config.link_name in SIMPLEX_LINKS
    letter = "log-ratio" if is_simplex else "z"
    names = [f"{letter} {dim + 1}" for dim in grid.dims]
    return Panel(
        _title(names, grid.real.shape[1], change),
        images,
        columns=len(grid.x_values),
        x_labels=_few_labels(scale * grid.x_values + shift),
        y_labels=_few_labels(scale * grid.y_values + shift),
        x_title=names[0],
        y_title=names[1] if len(names) > 1 else "",
    )


def _title(names: list[str], num_dims: int, change: tuple[float, float]) -> str:
    title = f"Images over {' and '.join(names)}"
    if num_dims > 2:
        title += f" of {num_dims}: the two most active, the others at their mean code"
    scale, shift = change
    changes = [f"times {scale:g}"] if scale != 1 else []
    changes += [f"{shift:+g}"] if shift else []
    return "; z ".join([title, " ".join(changes)]) if changes else title


def _few_labels(values: NDArray[np.float64]) -> list[str]:
    return [f"{value:.3g}" if i % 2 == 0 else "" for i, value in enumerate(values)]
