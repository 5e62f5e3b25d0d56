"""What all pictures share: figures without a display, sheets of images with labels, colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.analysis.sheets import image_sheet

# Okabe and Ito's colours, told apart with any colour vision.
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREEN: Final = "#009E73"
GREY: Final = "#8C8C8C"
_WIDTH: Final = 8.0  # inches of a picture
_DPI: Final = 150
_GAP: Final = 1  # pixels between the images of a sheet
_SHEET_PIXELS: Final = 1200  # about as wide as it is shown, so that pixels stay squares


@final
@dataclass(frozen=True, eq=False)
class Panel:
    """Images side by side under a title.

    Attributes:
        title: Above them.
        images: `(num_images >= 1, height, width, 1 or 3)` in [0, 1].
        columns: Integer >= 1, images per row.
        x_labels: Below each column, as many as there are columns, or none.
        y_labels: Left of each row, as many as there are rows, or none.
        x_title: Below the labels of columns.
        y_title: Left of the labels of rows.
    """

    title: str
    images: NDArray[Any]
    columns: int
    x_labels: Sequence[str] = ()
    y_labels: Sequence[str] = ()
    x_title: str = ""
    y_title: str = ""


def new_figure(width: float, height: float) -> Any:
    """Returns an empty figure of so many inches; it needs no display and nothing keeps it alive."""
    from matplotlib.figure import Figure  # half a second to import: only who draws pays

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, path: Path) -> None:
    """Writes a figure as a PNG of 150 pixels an inch."""
    # Tight, because the layout measures labels before it makes the pixels of a sheet squares.
    figure.savefig(path, dpi=_DPI, format="png", bbox_inches="tight", pad_inches=0.08)


def plain_axis(axis: Any) -> None:
    """Takes the frame's upper and right side away."""
    axis.spines[["top", "right"]].set_visible(False)


def draw_panels(panels: Sequence[Panel], path: Path) -> None:
    """Writes one picture with panels one under another.

    Args:
        panels: At least one.
        path: A PNG file.
    """
    heights = [_panel_height(panel) for panel in panels]
    figure = new_figure(_WIDTH, sum(heights))
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, panel in zip(axes, panels, strict=True):
        show_images(axis, panel)
    save(figure, path)


def show_images(axis: Any, panel: Panel) -> None:
    """Draws a panel into an axis."""
    height, width = panel.images.shape[1:3]
    columns = min(panel.columns, len(panel.images))
    zoom = max(1, _SHEET_PIXELS // (columns * (width + _GAP)))
    sheet = image_sheet(clipped(panel.images), columns, zoom, _GAP * zoom)
    axis.imshow(sheet, cmap="gray", vmin=0, vmax=255)
    axis.set_title(panel.title, loc="left", fontsize=10)
    axis.spines[:].set_visible(False)
    for labels, title, step, set_ticks, set_title in (
        (panel.x_labels, panel.x_title, width, axis.set_xticks, axis.set_xlabel),
        (panel.y_labels, panel.y_title, height, axis.set_yticks, axis.set_ylabel),
    ):
        centres = [zoom * (_GAP + i * (step + _GAP) + step / 2) for i in range(len(labels))]
        set_ticks(centres, labels, fontsize=8)
        set_title(title, fontsize=9)
    axis.tick_params(length=0)


def clipped(images: NDArray[Any]) -> NDArray[np.float32]:
    """Returns images without the rounding that leads out of [0, 1]."""
    return images.astype(np.float32, copy=False).clip(0.0, 1.0)


def class_colours(num_classes: int) -> list[Any]:
    """Returns a colour per class, told apart up to 20 classes; then they follow the rainbow."""
    from matplotlib import colormaps

    if num_classes <= 20:
        table = colormaps["tab10" if num_classes <= 10 else "tab20"]
        return [table(i) for i in range(num_classes)]
    return [colormaps["turbo"](i / (num_classes - 1)) for i in range(num_classes)]


def _panel_height(panel: Panel) -> float:
    height, width = panel.images.shape[1:3]
    columns = min(panel.columns, len(panel.images))
    rows = -(-len(panel.images) // columns)
    room = 0.35 + 0.2 * bool(panel.x_labels) + 0.2 * bool(panel.x_title)
    sheet_width = _WIDTH - 0.5 * bool(panel.y_labels) - 0.2 * bool(panel.y_title)
    # A strip of a few large images would fill a page.
    return min(sheet_width * rows * height / (columns * width), 10.0) + room
