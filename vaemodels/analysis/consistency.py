"""Which metric can be trusted to say how far a training is: FID and TVD by epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from vaemodels.analysis.drawing import BLUE, ORANGE, new_figure, plain_axis, save
from vaemodels.analysis.findings import Finding, Result
from vaemodels.checks import is_number, refuse
from vaemodels.metrics.estimate import Estimate

# One pair of neighbours out of order in 5 measurements gives 0.9.
CONSISTENT_FROM: Final = 0.95
_FILE: Final = "quality_by_epoch.png"


@final
@dataclass(frozen=True)
class Consistency:
    """How steadily a metric falls over the epochs.

    Attributes:
        value: Minus Spearman's rank correlation with the epoch: 1 if every measurement is below
            all earlier ones, 0 without a trend, -1 if it only rises.
        improved: Share of measurements below the one before, in [0, 1].
        num_epochs: Measurements, >= 2.
    """

    value: float
    improved: float
    num_epochs: int

    @property
    def is_consistent(self) -> bool:
        """Whether `value` is at least 0.95."""
        return self.value >= CONSISTENT_FROM


def consistency(values: Sequence[float]) -> Consistency:
    """Returns how steadily a metric, lower being better, falls from measurement to measurement.

    Args:
        values: At least 2 finite numbers in the order of their epochs; all the same has no trend.

    Raises:
        ValueError: If there are fewer, or one is not finite.

    References:
        Spearman, 1904, https://doi.org/10.2307/1412159. The question, which of FID and TVD improves
        steadily, is step 5 of the preliminary experiment in a bachelor's thesis of 2023 on
        tfVAE.
    """
    from scipy.stats import rankdata

    if len(values) < 2 or not all(is_number(float(value)) for value in values):
        raise refuse("values", "at least 2 finite numbers", list(values))
    ranks = rankdata(np.asarray(values, np.float64))
    is_constant = ranks.min() == ranks.max()
    places = np.arange(len(values))
    value = 0.0 if is_constant else -float(np.corrcoef(places, ranks)[0, 1])
    improved = float(np.mean(np.diff(np.asarray(values, np.float64)) < 0))
    return Consistency(round(value, 12), improved, len(values))


def consistent_metrics(curves: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    """Returns the metrics to choose models by: the consistent ones; none of them means the loss.

    Args:
        curves: Values of each metric by epoch, as in `consistency`.
    """
    return tuple(name for name, values in curves.items() if consistency(values).is_consistent)


def draw_quality(axis: Any, curve: Sequence[tuple[int, float, float]]) -> Any:
    """Draws FID on the left axis and TVD on the right one, over epochs; returns the right one.

    Args:
        axis: To draw into.
        curve: (epoch, FID, TVD), ascending in epochs.
    """
    epochs, fids, tvds = zip(*curve, strict=True)
    twin = axis.twinx()
    for side, values, colour, word in ((axis, fids, BLUE, "FID"), (twin, tvds, ORANGE, "TVD")):
        side.plot(epochs, values, "o-", color=colour, markersize=4, linewidth=1.3)
        side.set_ylabel(f"{word} (less is better)", color=colour)
        side.tick_params(axis="y", colors=colour)
        side.set_ylim(bottom=0)
        plain_axis(side)
    twin.spines["right"].set_visible(True)
    axis.set_xlabel("epoch")
    axis.xaxis.get_major_locator().set_params(integer=True)
    return twin


def analyze_quality(curve: Sequence[tuple[int, float, float]], folder: Path) -> Result:
    """Draws FID and TVD by epoch, and says how steadily each falls.

    Args:
        curve: At least 2 (epoch, FID, TVD), ascending in epochs.
        folder: For the picture.

    Raises:
        ValueError: If there are fewer, or a value is not finite.
    """
    curves = {"fid": [fid for _, fid, _ in curve], "tvd": [tvd for _, _, tvd in curve]}
    found = {name: consistency(values) for name, values in curves.items()}
    figure = new_figure(8.0, 3.8)
    axis = figure.subplots()
    draw_quality(axis, curve)
    words = ", ".join(f"{name.upper()} {c.value:+.2f}" for name, c in found.items())
    axis.set_title(f"Consistency: {words} (+1 falls all the time)", loc="left", fontsize=11)
    save(figure, folder / _FILE)
    findings = []
    for name, item in found.items():
        word, count = name.upper(), item.num_epochs
        steady = f"consistency of {word}: how steadily it falls, +1 to -1"
        findings.append(Finding(f"{name}_consistency", steady, Estimate(item.value, None, count)))
        better = f"measurements in which {word} improved"
        share = Estimate(item.improved, None, count - 1)
        findings.append(Finding(f"{name}_improved", better, share))
    return Result(_caption(consistent_metrics(curves)), [_FILE], findings, _series(curve))


def _caption(trusted: tuple[str, ...]) -> str:
    if not trusted:
        return "Neither falls steadily: choose models by the loss, or measure on more images."
    both = " and ".join(name.upper() for name in trusted)
    return f"Steady enough to choose models by: {both}."


def _series(curve: Sequence[tuple[int, float, float]]) -> dict[str, list[Any]]:
    return {name: [row[i] for row in curve] for i, name in enumerate(("epoch", "fid", "tvd"))}
