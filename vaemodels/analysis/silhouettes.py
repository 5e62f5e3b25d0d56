"""How well the classes lie apart, image by image."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vaemodels.analysis.drawing import class_colours, new_figure, plain_axis, save
from vaemodels.analysis.findings import Finding, Result
from vaemodels.analysis.subject import Subject
from vaemodels.metrics.estimate import Estimate
from vaemodels.metrics.latent_space import silhouette_by_sample

_FILE: Final = "silhouettes.png"


def draw_silhouettes(
    axis: Any, values: NDArray[np.float64], labels: NDArray[np.int64], names: list[str]
) -> None:
    """Draws the silhouettes of every class, sorted, one class above the other, and their mean.

    Args:
        axis: To draw into.
        values: `(num_images,)` in [-1, 1].
        labels: `(num_images,)` integers.
        names: Of the classes that occur, ascending.
    """
    classes = np.unique(labels)
    gap = max(1, len(values) // 100)
    bottom, ticks = gap, []
    for one, colour in zip(classes, class_colours(len(classes)), strict=True):
        own = np.sort(values[labels == one])
        heights = np.arange(bottom, bottom + len(own) + 1)
        # The last value twice: with a step each image is as thick as any other.
        axis.fill_betweenx(heights, 0, np.append(own, own[-1]), step="post", color=colour, lw=0)
        ticks.append(bottom + len(own) / 2)
        bottom += len(own) + gap
    axis.axvline(float(values.mean()), color="black", linestyle="--", linewidth=1)
    axis.axvline(0, color="black", linewidth=0.6)
    axis.set_yticks(ticks, names, fontsize=8)
    axis.set_ylim(0, bottom)
    axis.set_xlim(min(-0.25, float(values.min()) - 0.02), max(0.5, float(values.max()) + 0.02))
    axis.tick_params(axis="y", length=0)
    plain_axis(axis)


def analyze_silhouettes(subject: Subject, folder: Path) -> Result:
    """Draws the silhouettes of all images; their mean is the number that papers give."""
    labels = subject.labels
    values = silhouette_by_sample(subject.codes, labels)
    names = class_names(subject)
    figure = new_figure(8.0, max(3.0, min(10.0, 1.5 + 0.45 * len(names))))
    axis = figure.subplots()
    draw_silhouettes(axis, values, labels, names)
    axis.set_xlabel("silhouette (-1 to 1; below 0: nearer to another class)")
    axis.set_ylabel("class, its images sorted")
    title = f"Silhouettes of {len(values):,} test images' codes, mean {values.mean():.3f} (dashed)"
    axis.set_title(title, loc="left", fontsize=11)
    save(figure, folder / _FILE)
    estimate = Estimate.of_mean(values)
    by_class = {
        name: float(values[labels == one].mean())
        for name, one in zip(names, np.unique(labels), strict=True)
    }
    caption = "Thick and far to the right is a class of its own; left of 0 lie images among others."
    found = Finding("silhouette", "mean silhouette of the classes", estimate)
    series: dict[str, list[Any]] = {
        "classes": list(by_class),
        "silhouette_by_class": list(by_class.values()),
    }
    return Result(caption, [_FILE], [found], series)


def class_names(subject: Subject) -> list[str]:
    """Returns the names of the classes that occur, in the order of their labels."""
    if subject.data is None:
        return []
    return [subject.data.name(int(one)) for one in np.unique(subject.labels)]
