"""scikit-learn's 1,797 real 8x8 digits; they come with an installed dependency, no file needed."""

import numpy as np

from vaemodels.data.source import Source


def read_digits() -> Source:
    """Returns the digits as uint8 in 0 .. 16, hence scale 16.

    References:
        Optical Recognition of Handwritten Digits (test set), E. Alpaydin and C. Kaynak, 1998.
    """
    from sklearn.datasets import load_digits  # takes a second to import: only who asks pays

    bunch = load_digits()
    return Source(
        name="digits",
        images=bunch.images.astype(np.uint8)[..., None],
        scale=16.0,
        labels=bunch.target.astype(np.int64),
        class_names=tuple(str(digit) for digit in range(10)),
    )
