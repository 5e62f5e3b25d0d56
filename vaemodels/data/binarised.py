"""Images of zeros and ones, on which log-likelihoods are published."""

import dataclasses
from typing import Final

import numpy as np

from vaemodels.data.source import Source

# name of the data set -> the grey one it is made of
BINARISED: Final = {
    "binarised-mnist": "mnist",
    "binarised-fashion-mnist": "fashion-mnist",
}
_SEED: Final = 0  # part of what the data set is
_BLOCK: Final = 1000


def binarised(source: Source) -> Source:
    """Returns a source whose pixels are 0 or 1: 1 with the grey value in [0, 1] as probability.

    Drawn once with a fixed seed on the host, so the images are the same everywhere and in every
    epoch ("static" binarisation). Image i depends on its place in the files and on its own pixels.
    The published static MNIST has other draws from the same probabilities.

    References:
        Salakhutdinov & Murray, 2008, https://doi.org/10.1145/1390156.1390266
    """
    rng = np.random.Generator(np.random.Philox(key=_SEED))
    images = np.empty(source.images.shape, np.uint8)
    for start in range(0, len(images), _BLOCK):  # a float per pixel of all images is too much
        part = source.images[start : start + _BLOCK]
        draws = rng.random(part.shape, dtype=np.float32) * np.float32(source.scale)
        images[start : start + _BLOCK] = draws < part
    return dataclasses.replace(source, name=f"binarised-{source.name}", images=images, scale=1.0)
