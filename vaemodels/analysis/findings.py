"""What an analysis found: numbers with their errors, series, and the files of its pictures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from vaemodels.metrics.estimate import Estimate


@final
@dataclass(frozen=True)
class Finding:
    """One number.

    Attributes:
        name: For programs, such as "nearest_centroid_accuracy".
        label: For people.
        estimate: With its error and the number of samples behind it.
        unit: "" for a plain number.
    """

    name: str
    label: str
    estimate: Estimate
    unit: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return {
            "label": self.label,
            "value": self.estimate.value,
            "standard_error": self.estimate.standard_error,
            "num_samples": self.estimate.num_samples,
            "unit": self.unit,
        }


@final
@dataclass(frozen=True)
class Result:
    """What one analysis gave.

    Attributes:
        caption: How to read the pictures, one or two sentences.
        pictures: File names in the report's folder.
        findings: Its numbers.
        series: Lists of numbers by name, such as the KL of every latent.
        alarms: Sentences on what is wrong.
    """

    caption: str
    pictures: Sequence[str]
    findings: Sequence[Finding] = ()
    series: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    alarms: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return {
            "pictures": list(self.pictures),
            "numbers": {finding.name: finding.to_json() for finding in self.findings},
            "series": {name: list(values) for name, values in self.series.items()},
        }


def rounded(value: float) -> str:
    """Returns a number with four significant digits and no needless exponent."""
    if not math.isfinite(value):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e7:
        return f"{value:,.0f}"
    if 1e-4 <= abs(value) < 1e7:
        decimals = max(0, 3 - math.floor(math.log10(abs(value))))
        return f"{value:,.{decimals}f}"
    return f"{value:.3e}"
