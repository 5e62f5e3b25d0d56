"""A measured number together with what is known of its error."""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least, check_number_at_least, refuse


@final
@dataclass(frozen=True)
class Estimate:
    """An estimate of a quantity from a sample. `float(estimate)` is its value.

    Attributes:
        value: The estimate.
        standard_error: Standard deviation of `value` over repeated samples, in its unit; None
            where no estimate of it is known. 0 does not mean certainty: a proportion whose sample
            happened to be all hits has it too.
        num_samples: Number of independent things (mostly images) behind `value`, >= 1. Values of
            different numbers are comparable only where the bias is 0.
        bias: Expectation of `value` minus the true quantity, in its unit: 0 where the estimator is
            unbiased, an estimate where there is one, None where nothing is known.

    Raises:
        ValueError: If a field is out of range, NaN included.
    """

    value: float
    standard_error: float | None
    num_samples: int
    bias: float | None = None

    def __post_init__(self) -> None:
        check_at_least(1, num_samples=self.num_samples)
        if not math.isfinite(self.value):
            raise refuse("value", "a finite number", self.value)
        if self.standard_error is not None:
            check_number_at_least(0, standard_error=self.standard_error)
        if self.bias is not None and not math.isfinite(self.bias):
            raise refuse("bias", "a finite number or None", self.bias)

    def __float__(self) -> float:
        return self.value

    @classmethod
    def of_mean(cls, values: NDArray[Any]) -> "Estimate":
        """Returns the mean of independent values `(num_samples >= 1,)`, which is unbiased.

        Its standard error is their standard deviation over `sqrt(num_samples)`; for hits and
        misses, 1 and 0, that is the binomial one. A single value has none.
        """
        if values.ndim != 1 or len(values) < 1:
            raise ValueError(
                "Invalid shape for `values`. Expected (num_samples >= 1,). "
                f"Received: {values.shape}."
            )
        values = values.astype(np.float64)
        count = len(values)
        error = float(values.std(ddof=1) / math.sqrt(count)) if count > 1 else None
        return cls(float(values.mean()), error, count, bias=0.0)
