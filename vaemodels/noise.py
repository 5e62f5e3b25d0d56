"""Base noise made by NumPy on the host.

TensorFlow's random streams differ between eager and compiled code and between devices, so every
draw that decides a result comes from here. Philox is counter based: each (seed, stream, index) is
a generator of its own, without any order among them.
"""

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least, check_one_of, refuse

# One number per use, so that no two uses share draws. Never renumber: results depend on it.
STREAMS = {
    "normal": 0,
    "uniform": 1,
    "permutation": 2,
    "training": 3,
    "evaluation": 4,
    "likelihood": 5,
    "kid": 6,
    "silhouette": 7,
    "disentanglement": 8,
    "codes": 9,
    "analysis": 10,
}


def generator(seed: int, stream: str, index: int) -> np.random.Generator:
    """Returns the generator of one use, e.g. the permutation of epoch `index`.

    Args:
        seed: Integer from 0 to 2**63 - 1.
        stream: A name in `STREAMS`.
        index: Integer from 0 to 2**48 - 1.
    """
    check_at_least(0, seed=seed, index=index)
    if seed >= 2**63 or index >= 2**48:
        raise refuse("seed", "a seed below 2**63 and an index below 2**48", (seed, index))
    key = np.array([seed, STREAMS[stream] << 48 | index], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def draw(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Returns float32 draws of `kind` "normal" or "uniform" (open at 0 and 1)."""
    check_one_of(("normal", "uniform"), kind=kind)
    if kind == "normal":
        return rng.standard_normal(shape, dtype=np.float32)
    # 0 occurs (once in 2**24 draws) and has no logarithm; the largest draw is 1 - 2**-24.
    return np.maximum(rng.random(shape, dtype=np.float32), np.float32(2**-25))


def base_noise(kind: str, seed: int, num_samples: int, num_dims: int) -> NDArray[np.float32]:
    """Returns noise of shape `(num_samples, num_dims)`, nested over samples and dimensions.

    Column j depends on (kind, seed, j) alone and row i not on the number of rows, so models with
    different latent sizes and sample counts share their common part (common random numbers).

    Args:
        kind: "normal" for N(0, 1), "uniform" for (0, 1), open at both ends.
        seed: Integer from 0 to 2**63 - 1.
        num_samples: Integer >= 0.
        num_dims: Integer >= 0.
    """
    check_one_of(("normal", "uniform"), kind=kind)
    check_at_least(0, num_samples=num_samples, num_dims=num_dims)
    noise = np.empty((num_samples, num_dims), dtype=np.float32)
    for column in range(num_dims):
        noise[:, column] = draw(generator(seed, kind, column), kind, (num_samples,))
    return noise
