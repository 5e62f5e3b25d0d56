"""scikit-learn's 1,797 real 8x8 digits; they come with an installed dependency, no file needed."""

import importlib.metadata
from typing import Final

import numpy as np

from vaemodels.data.source import Source

_FILE: Final = "sklearn/datasets/data/digits.csv.gz"


def read_digits() -> Source:
    """Returns the digits as uint8 in 0 .. 16, hence scale 16.

    References:
        Optical Recognition of Handwritten Digits (test set), E. Alpaydin and C. Kaynak, 1998.
    """
    # Not by scikit-learn's own reader: to import that takes a second, this a twentieth of it.
    path = importlib.metadata.distribution("scikit-learn").locate_file(_FILE)
    rows = np.loadtxt(str(path), delimiter=",", dtype=np.int64)
    return Source(
        name="digits",
        images=rows[:, :-1].astype(np.uint8).reshape(-1, 8, 8, 1),
        scale=16.0,
        labels=rows[:, -1],
        class_names=tuple(str(digit) for digit in range(10)),
    )
