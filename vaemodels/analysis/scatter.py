"""The codes of images as points of a plane."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vaemodels.analysis.drawing import BLUE, class_colours, new_figure, plain_axis, save
from vaemodels.analysis.findings import Result
from vaemodels.analysis.subject import Subject
from vaemodels.checks import check_at_least
from vaemodels.metrics.arrays import check_table
from vaemodels.noise import generator

FEWEST_IMAGES: Final = 10  # t-SNE of fewer shows nothing
_MOST_POINTS: Final = 3_000
_FILE: Final = "latent_space.png"
_MOST_NAMES: Final = 30  # classes in a legend


def tsne(codes: NDArray[Any], seed: int = 0) -> NDArray[np.float32]:
    """Returns a plane in which neighbours among codes are neighbours, `(num_images, 2)`.

    Distances between groups and their sizes mean little in it.

    Args:
        codes: `(num_images >= 10, num_latents >= 2)`, finite.
        seed: Integer >= 0.

    Raises:
        ValueError: If a shape is wrong or a code is not finite.

    References:
        van der Maaten and Hinton, 2008, https://jmlr.org/papers/v9/vandermaaten08a.html
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    check_table(FEWEST_IMAGES, codes=codes)
    check_at_least(0, seed=seed)
    model = TSNE(
        init="pca",
        learning_rate="auto",
        perplexity=min(30.0, (len(codes) - 1) / 3),
        random_state=seed % 2**32,
    )
    # A spread of 1 whatever the scale of the codes: those of a collapsed model are all but equal.
    scaled = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64)
    scaled /= max(float(scaled.std()), 1e-12)
    # Several threads wait for each other in busy loops: beside other work 360 codes took 30 s.
    with threadpool_limits(limits=1):
        plane: NDArray[np.float32] = model.fit_transform(scaled)
    return plane


def analyze_latent_space(subject: Subject, folder: Path) -> Result:
    """Draws the codes of at most 3,000 images, coloured by class where there are classes."""
    rows = np.linspace(0, len(subject.codes) - 1, min(len(subject.codes), _MOST_POINTS))
    chosen = rows.astype(np.int64)
    labels = _labels(subject, chosen)
    codes = subject.codes[chosen]
    points, axes, caption = _plane(codes, labels, subject.seed)
    figure = new_figure(8.0, 6.2)
    axis = figure.subplots()
    _draw_points(axis, points, labels, subject)
    axis.set_xlabel(axes[0])
    axis.set_ylabel(axes[1])
    kind = "Codes" if codes.shape[1] <= 2 else f"t-SNE of the {codes.shape[1]}-dimensional codes"
    axis.set_title(f"{kind} of {len(codes):,} test images", loc="left", fontsize=11)
    plain_axis(axis)
    save(figure, folder / _FILE)
    return Result(caption, [_FILE])


def _labels(subject: Subject, chosen: NDArray[np.int64]) -> NDArray[np.int64] | None:
    labels = None if subject.data is None else subject.data.few_labels
    return None if labels is None else labels[chosen]


def _plane(
    codes: NDArray[np.float32], labels: NDArray[np.int64] | None, seed: int
) -> tuple[NDArray[Any], tuple[str, str], str]:
    """Returns points, what their axes are, and how to read them."""
    if codes.shape[1] == 1:
        jitter = generator(seed, "analysis", 0).uniform(-0.35, 0.35, len(codes))
        heights = jitter if labels is None else labels + jitter
        caption = "Each point is the code of an image; its height within a class means nothing."
        return np.stack([codes[:, 0], heights], axis=1), ("z 1", "class"), caption
    if codes.shape[1] == 2:
        return codes, ("z 1", "z 2"), "Each point is the code of an image."
    caption = (
        "Neighbours are neighbours in the latent space; distances between groups, and their "
        "sizes, mean little."
    )
    return tsne(codes, seed), ("t-SNE 1 (no unit)", "t-SNE 2 (no unit)"), caption


def _draw_points(
    axis: Any, points: NDArray[Any], labels: NDArray[np.int64] | None, subject: Subject
) -> None:
    style = {"s": 9, "linewidths": 0, "alpha": 0.75}
    if labels is None or subject.data is None:
        axis.scatter(points[:, 0], points[:, 1], color=BLUE, **style)
        return
    classes = np.unique(labels)
    for one, colour in zip(classes, class_colours(len(classes)), strict=True):
        name, own = subject.data.name(int(one)), labels == one
        axis.scatter(points[own, 0], points[own, 1], color=[colour], label=name, **style)
    if len(classes) <= _MOST_NAMES:
        axis.legend(
            title="class",
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
            fontsize=9,
            markerscale=2.5,
        )
