"""Which latents the model uses: posterior collapse, latent by latent."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vaemodels.analysis.drawing import BLUE, GREY, new_figure, plain_axis, save
from vaemodels.analysis.findings import Finding, Result
from vaemodels.analysis.reconstructions import squared_errors
from vaemodels.analysis.subject import Subject
from vaemodels.divergences import CLOSED_FORMS
from vaemodels.metrics.collapse import MIN_KL, collapse_report
from vaemodels.metrics.estimate import Estimate
from vaemodels.metrics.kl_by_dimension import kl_by_dimension

_NUM_IMAGES: Final = 256
_MIN_VARIANCE: Final = 0.01  # of an active latent's code over images
_BINS: Final = 20
_FILE: Final = "latent_use.png"


def kl_splits(subject: Subject) -> bool:
    """Returns whether the model has a KL that is a sum over latents."""
    if not subject.vae.has_likelihood:
        return False
    form = CLOSED_FORMS.get((type(subject.vae.posterior), type(subject.vae.prior)))
    return form is not None and form.is_factorised


def analyze_latent_use(subject: Subject, folder: Path) -> Result:
    """Draws the KL of every latent on 256 images, or the variance of its code where the KL is no
    sum over latents; raises the alarms of `collapse_report`."""
    images = subject.images[:_NUM_IMAGES]
    divergences = kl_by_dimension(subject.vae, images) if kl_splits(subject) else None
    variances = subject.real_codes.var(axis=0, dtype=np.float64)
    values, limit, unit = variances, _MIN_VARIANCE, "variance of the code over images"
    num_images = len(subject.images)
    if divergences is not None:
        values, limit, unit = divergences, MIN_KL, "KL in nats"
        num_images = len(images)
    _draw(values, limit, unit, folder / _FILE, f"{unit} of each latent, {num_images:,} test images")
    report = collapse_report(
        subject.real_codes,
        squared_errors(subject.images, subject.reconstructions),
        subject.images,
        kl_by_dimension=divergences,
    )
    found = [
        _count(
            "used_latents", f"latents with a {unit} above {limit:g}", values > limit, num_images
        ),
        _plain(
            "reconstruction_ratio",
            "squared error of reconstructions over that of the mean image",
            report.reconstruction_ratio,
            len(subject.images),
        ),
    ]
    series = {"variance_by_latent": variances.tolist()}
    if divergences is not None:
        label = "sum of the KL of all latents"
        found.append(_plain("kl", label, float(divergences.sum()), num_images, "nats"))
        series["kl_by_latent"] = divergences.tolist()
    return Result(_caption(divergences is None, limit), [_FILE], found, series, report.alarms)


def _count(name: str, label: str, hits: NDArray[np.bool_], num_images: int) -> Finding:
    return _plain(name, label, float(hits.sum()), num_images, f"of {len(hits)}")


def _plain(name: str, label: str, value: float, num_images: int, unit: str = "") -> Finding:
    return Finding(name, label, Estimate(value, None, num_images), unit)


def _caption(is_variance: bool, limit: float) -> str:
    meaning = f"Grey latents, at most {limit:g}, say nothing about the image: they have collapsed."
    if is_variance:
        return (
            "The KL of this model is no sum over latents, so the variance of each code over images "
            f"is shown, in real coordinates. {meaning}"
        )
    return meaning


def _draw(values: NDArray[np.float64], limit: float, unit: str, path: Path, title: str) -> None:
    figure = new_figure(8.0, 3.4)
    bars, histogram = figure.subplots(1, 2, width_ratios=(2, 1))
    numbers = np.arange(1, len(values) + 1)
    bars.bar(numbers, values, color=np.where(values > limit, BLUE, GREY), width=0.8)
    bars.axhline(0, color="black", linewidth=0.6)
    bars.set_xlabel("latent")
    bars.set_ylabel(unit)
    if len(values) <= 20:
        bars.set_xticks(numbers)
    histogram.hist(values, bins=_BINS, range=(0, max(values.max(), limit)), color=BLUE)
    histogram.set_xlabel(unit)
    histogram.set_ylabel("number of latents")
    histogram.yaxis.get_major_locator().set_params(integer=True)
    for axis in (bars, histogram):
        plain_axis(axis)
    figure.suptitle(title[0].upper() + title[1:], x=0.01, ha="left", fontsize=11)
    save(figure, path)
