"""Obtained figures beside published ones: do they agree, and may they be compared at all?"""

import dataclasses
from typing import Any, Final, final

from vaemodels.presets.figure import Figure
from vaemodels.presets.preset import Preset
from vaemodels.presets.running import Obtained

AGREES: Final = "agrees"
DIFFERS: Final = "differs"
NOT_COMPARED: Final = "not compared"


@final
@dataclasses.dataclass(frozen=True)
class Outcome:
    """One figure of a preset.

    Attributes:
        figure: As published.
        obtained: What it came out as, None if it was not measured.
        verdict: `AGREES`, `DIFFERS` or `NOT_COMPARED`.
        reason: Why it was not compared, or may differ; or "".
    """

    figure: Figure
    obtained: float | None
    verdict: str
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return {
            "measure": self.figure.measure,
            "obtained": self.obtained,
            "published": self.figure.published,
            "tolerance": self.figure.tolerance,
            "class": self.figure.kind,
            "verdict": self.verdict,
            "reason": self.reason,
        }


def outcomes(preset: Preset, obtained: Obtained, *, fast: bool) -> list[Outcome]:
    """Returns the outcome of every figure.

    Whether a figure is compared is decided before its value is looked at: invalid ones never are,
    and stochastic ones not in a fast run. With fewer training images than published they are: one
    that differs then has their number as its reason, since an excuse for those alone that fail
    would make all look well.
    """
    return [_outcome(figure, obtained, fast) for figure in preset.figures]


def _outcome(figure: Figure, obtained: Obtained, fast: bool) -> Outcome:
    value = obtained.values.get(figure.measure)
    if figure.kind == "X":
        return Outcome(figure, value, NOT_COMPARED, "the published figure is invalid")
    if value is None:
        return Outcome(figure, None, NOT_COMPARED, "fast" if fast else "not measured")
    if figure.kind == "S" and fast:
        return Outcome(figure, value, NOT_COMPARED, "fast")
    if figure.agrees(value):
        return Outcome(figure, value, AGREES)
    used, published = obtained.num_images, obtained.num_published
    depends_on_images = figure.kind in ("S", "A") and not figure.is_bound
    fewer = depends_on_images and used is not None and published and used < published
    reason = f"{used:,} of {published:,} training images" if fewer else ""
    return Outcome(figure, value, DIFFERS, reason)
