"""Small grey images of one shape each, whose five factors of variation are known exactly.

They take the place of dSprites for measuring disentanglement, without a download. All angles are
below 90 degrees, so that no two of them give the same image of any of the shapes.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least
from vaemodels.data.source import Source

# Every factor with its number of values, in the order of the columns of a factor table.
FACTOR_SIZES = {"shape": 3, "scale": 4, "rotation": 6, "x": 8, "y": 8}
SHAPE_NAMES = ("rectangle", "ellipse", "triangle")

_RADII = (0.14, 0.24)  # smallest and largest half-length, in image sides
_MARGIN = 0.28  # of the outermost centres from the border, in image sides


@final
@dataclass(frozen=True, eq=False)
class Sprites:
    """All combinations of the factors.

    Attributes:
        images: `(4608, side, side, 1)` float32 in [0, 1].
        factors: `(4608, 5)` int64, the value of each factor of each image, as in `FACTOR_SIZES`.
    """

    images: NDArray[np.float32]
    factors: NDArray[np.int64]


def make_sprites(side: int = 16) -> Sprites:
    """Returns all 4,608 sprites, in the order of `factor_table`; always the same.

    Args:
        side: Integer >= 8, pixels per side of an image.
    """
    factors = factor_table()
    return Sprites(draw_sprites(factors, side), factors)


def read_sprites() -> Source:
    """Returns the sprites of 16 x 16 pixels as a data set, whose classes are the shapes."""
    sprites = make_sprites()
    labels = sprites.factors[:, 0].astype(np.int64)
    return Source("sprites", sprites.images, 1.0, labels, SHAPE_NAMES)


def factor_table() -> NDArray[np.int64]:
    """Returns all combinations of the factors, `(4608, 5)`; the last factor changes fastest."""
    sizes = tuple(FACTOR_SIZES.values())
    return np.indices(sizes).reshape(len(sizes), -1).T.astype(np.int64)


def factor_rows(factors: NDArray[Any]) -> NDArray[np.int64]:
    """Returns the rows of the factor table that hold the given factors.

    Args:
        factors: `(num_images, 5)` integers, each from 0 to below its factor's number of values.

    Raises:
        ValueError: If the shape is another or a value is out of range.
    """
    check_factors(factors)
    rows = np.ravel_multi_index(tuple(factors.T), tuple(FACTOR_SIZES.values()))
    return np.asarray(rows, dtype=np.int64)


def draw_sprites(factors: NDArray[Any], side: int = 16) -> NDArray[np.float32]:
    """Returns the images of factors, `(num_images, side, side, 1)` float32 in [0, 1].

    White on black. A pixel fades over the one-pixel border of the shape (anti-aliasing), so that
    scale, angle and place change the image smoothly.

    Args:
        factors: `(num_images, 5)` integers, each from 0 to below its factor's number of values.
        side: Integer >= 8, pixels per side.

    Raises:
        ValueError: If the shape is another, or a value or the side is out of range.
    """
    check_at_least(8, side=side)
    check_factors(factors)
    shape, scale, rotation, x, y = (column[:, None, None] for column in factors.T)
    radius = side * np.linspace(*_RADII, FACTOR_SIZES["scale"])[scale]
    angle = np.pi / 2 / FACTOR_SIZES["rotation"] * rotation
    right, down = np.arange(side) + 0.5, np.arange(side)[:, None] + 0.5
    right, down = right - _centres(side, "x")[x], down - _centres(side, "y")[y]
    along = np.cos(angle) * right + np.sin(angle) * down
    across = np.cos(angle) * down - np.sin(angle) * right
    images = np.zeros(along.shape, np.float32)
    for number, distance in enumerate((_rectangle, _ellipse, _triangle)):
        rows = shape[:, 0, 0] == number
        outside = distance(along[rows], across[rows], radius[rows])  # in pixels, < 0 inside
        images[rows] = np.clip(0.5 - outside, 0.0, 1.0)
    return images[..., None]


def check_factors(factors: NDArray[Any]) -> None:
    """Raises `ValueError` unless `factors` is `(num_images, 5)` integers, all in range."""
    sizes = np.array(list(FACTOR_SIZES.values()))
    if factors.ndim != 2 or factors.shape[1] != len(sizes) or factors.dtype.kind not in "iu":
        raise ValueError(
            f"Invalid value for `factors`. Expected integers of shape (num_images, {len(sizes)}). "
            f"Received: shape={factors.shape}, dtype={factors.dtype}."
        )
    wrong = np.argwhere((factors < 0) | (factors >= sizes))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"Invalid value for `factors`. Expected {list(FACTOR_SIZES)[column]!r} in "
            f"0 .. {sizes[column] - 1}. Received: {factors[row, column]} in row {row}."
        )


def _centres(side: int, name: str) -> NDArray[np.float64]:
    centres: NDArray[np.float64] = side * np.linspace(_MARGIN, 1.0 - _MARGIN, FACTOR_SIZES[name])
    return centres


def _rectangle(along: Any, across: Any, radius: Any) -> Any:
    return np.maximum(np.abs(along) - radius, np.abs(across) - 0.5 * radius)


def _ellipse(along: Any, across: Any, radius: Any) -> Any:
    # To first order the distance from a level set is the function over the length of its gradient.
    level = (along / radius) ** 2 + (across / (0.5 * radius)) ** 2 - 1.0
    gradient = 2.0 / radius * np.hypot(along / radius, 4.0 * across / radius)
    return level / np.maximum(gradient, 1.0 / radius)


def _triangle(along: Any, across: Any, radius: Any) -> Any:
    """Equilateral, with corners `radius` away from the centre."""
    sloping = np.abs(across) * np.cos(np.pi / 6) + along * np.sin(np.pi / 6)
    return np.maximum(sloping, -along) - 0.5 * radius
