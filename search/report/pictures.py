"""What pictures share: colours, axes without a display, files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from search.errors import SearchError
from search.report.figures import check_picture
from search.report.tables import title

# Okabe and Ito's colours, told apart with any colour vision.
BLUE: Final = "#0072B2"
GREEN: Final = "#009E73"
ORANGE: Final = "#E69F00"
RED: Final = "#D55E00"
LOG_RATIO: Final = 10  # values that span more than this are drawn on a logarithmic axis
_COLUMNS: Final = 3


def new_axes(count: int, width: float = 6.4, height: float = 4.8) -> tuple[Any, list[Any]]:
    """Returns a figure and `count` axes in rows of three, each of a size in inches."""
    # The object interface needs no display and keeps no figure alive.
    from matplotlib.figure import Figure

    columns = min(count, _COLUMNS)
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = list(np.atleast_1d(figure.subplots(rows, columns)).ravel())
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, axes[:count]


def axis_label(objectives: Mapping[str, str], name: str) -> str:
    """Returns an objective's name with its direction."""
    better = "less" if objectives[name] == "minimize" else "more"
    return f"{title(name)} ({better} is better)"


def write_figure(figure: Any, path: Path) -> None:
    """Writes a figure.

    Raises:
        SearchError: If the file cannot be written, or is of another kind.
    """
    check_picture(path)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise SearchError(f"Cannot write {path}: {error.strerror or error}.") from error
