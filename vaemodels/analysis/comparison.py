"""Several models of the same images, row by row in one picture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

from vaemodels.analysis.consistency import draw_quality
from vaemodels.analysis.drawing import BLUE, Panel, new_figure, plain_axis, save, show_images
from vaemodels.analysis.reconstructions import reconstruction_panel, squared_errors
from vaemodels.analysis.silhouettes import class_names, draw_silhouettes
from vaemodels.analysis.subject import Subject
from vaemodels.metrics.estimate import Estimate
from vaemodels.metrics.latent_space import active_units, silhouette_by_sample

_SAMPLES: Final = 30
_SAMPLE_COLUMNS: Final = 6
_REBUILT: Final = 6  # a row, and
_REBUILT_ROWS: Final = 2
_ROW_HEIGHT: Final = 3.1  # inches
_WIDTH: Final = 15.0


@final
@dataclass(frozen=True, eq=False)
class ComparedModel:
    """One row.

    Attributes:
        name: Of the model.
        subject: The model and the images.
        quality_by_epoch: (epoch, FID, TVD), ascending in epochs.
        loss_by_epoch: (epoch, loss), for a model without FID and TVD.
        epoch: After which the model is; marked in the curves.
        num_generated: Images behind every FID and TVD.
    """

    name: str
    subject: Subject
    quality_by_epoch: Sequence[tuple[int, float, float]] = ()
    loss_by_epoch: Sequence[tuple[int, float]] = field(default_factory=tuple)
    epoch: int | None = None
    num_generated: int = 10_000


def numbers_of(model: ComparedModel) -> dict[str, Estimate]:
    """Returns what a comparison says of a model in numbers.

    "squared_error" of reconstructions, summed over pixels; "used_latents", whose codes vary by more
    than 0.01 in variance; "silhouette", where there are classes; "fid" and "tvd" at the model's
    epoch, where they were measured.
    """
    subject = model.subject
    found = {"squared_error": Estimate.of_mean(_errors(subject))}
    count = len(subject.images)
    if count > 1:
        used = active_units(subject.real_codes)
        found["used_latents"] = Estimate(float(used), None, count)
    if _has_classes(subject):
        values = silhouette_by_sample(subject.codes, subject.labels)
        found["silhouette"] = Estimate.of_mean(values)
    for epoch, fid, tvd in model.quality_by_epoch:
        if epoch == model.epoch and math.isfinite(fid) and math.isfinite(tvd):
            drawn = model.num_generated
            found |= {"fid": Estimate(fid, None, drawn), "tvd": Estimate(tvd, None, drawn)}
    return found


def compare(models: Sequence[ComparedModel], path: Path) -> dict[str, Mapping[str, Estimate]]:
    """Writes a picture of models, a row each: samples, reconstructions, curves, silhouettes.

    Args:
        models: At least one, with images, and names that differ.
        path: A PNG file.

    Returns:
        `numbers_of` each, by name.
    """
    figure = new_figure(_WIDTH, _ROW_HEIGHT * len(models))
    axes = figure.subplots(len(models), 4, squeeze=False, width_ratios=(1.05, 1.05, 1.3, 1.2))
    for row, model in zip(axes, models, strict=True):
        _draw_samples(row[0], model)
        title = "Test images, rebuilt below"
        panel = reconstruction_panel(model.subject, title, _REBUILT, _REBUILT_ROWS)
        show_images(row[1], panel)
        _draw_classes(row[3], model.subject)
    _draw_all_curves(axes[:, 2], models)
    drawn = [a for a, m in zip(axes[:, 3], models, strict=True) if _has_classes(m.subject)]
    _share_limits(drawn, "xlim")
    save(figure, path)
    return {model.name: numbers_of(model) for model in models}


def _errors(subject: Subject) -> Any:
    return squared_errors(subject.images, subject.reconstructions)


def _has_classes(subject: Subject) -> bool:
    if subject.data is None or subject.data.few_labels is None:
        return False
    return 1 < len(set(subject.labels.tolist())) < len(subject.labels)


def _draw_samples(axis: Any, model: ComparedModel) -> None:
    name, sampler = next(iter(model.subject.samplers.items()))
    images = model.subject.inference.decode(model.subject.draw_latents(sampler, _SAMPLES))
    show_images(axis, Panel(f"Samples of {name}", images, columns=_SAMPLE_COLUMNS))
    axis.set_ylabel(model.name, fontsize=12, fontweight="bold")


def _draw_all_curves(axes: Sequence[Any], models: Sequence[ComparedModel]) -> None:
    """Draws the curves of every model on the same scales, so that heights can be compared."""
    drawn: dict[str, list[Any]] = {"fid": [], "tvd": [], "loss": []}
    for axis, model in zip(axes, models, strict=True):
        for name, part in _draw_curves(axis, model).items():
            drawn[name].append(part)
    for parts in drawn.values():
        _share_limits(parts, "ylim")


def _share_limits(axes: Sequence[Any], which: str) -> None:
    limits = [getattr(axis, f"get_{which}")() for axis in axes]
    for axis in axes:
        getattr(axis, f"set_{which}")(min(low for low, _ in limits), max(up for _, up in limits))


def _draw_curves(axis: Any, model: ComparedModel) -> dict[str, Any]:
    """Draws what was measured by epoch; returns the axis of each metric."""
    curve = [row for row in model.quality_by_epoch if all(map(math.isfinite, row))]
    losses = [row for row in model.loss_by_epoch if all(map(math.isfinite, row))]
    if curve:
        found = {"fid": axis, "tvd": draw_quality(axis, curve)}
        axis.set_title("FID and TVD by epoch", loc="left", fontsize=10)
    elif losses:
        axis.plot(*zip(*losses, strict=True), "o-", color=BLUE, markersize=4, linewidth=1.3)
        axis.set_xlabel("epoch")
        axis.set_ylabel("loss (nats an image)")
        axis.set_title("Loss by epoch", loc="left", fontsize=10)
        axis.xaxis.get_major_locator().set_params(integer=True)
        plain_axis(axis)
        found = {"loss": axis}
    else:
        _say(axis, "no curves: nothing was measured by epoch")
        return {}
    if model.epoch is not None:
        axis.axvline(model.epoch, color="black", linestyle=":", linewidth=1)
    return found


def _draw_classes(axis: Any, subject: Subject) -> None:
    if not _has_classes(subject):
        _say(axis, "no silhouettes: the images have no classes")
        return
    values = silhouette_by_sample(subject.codes, subject.labels)
    draw_silhouettes(axis, values, subject.labels, class_names(subject))
    axis.set_title("Silhouettes by class", loc="left", fontsize=10)


def _say(axis: Any, text: str) -> None:
    axis.text(0.5, 0.5, text, ha="center", va="center", fontsize=9, transform=axis.transAxes)
    axis.set_axis_off()
