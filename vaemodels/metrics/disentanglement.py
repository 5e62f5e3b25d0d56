"""The disentanglement score of the beta-VAE paper, from sprites with known factors."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least
from vaemodels.data.sprites import FACTOR_SIZES, Sprites, factor_rows
from vaemodels.metrics.arrays import check_table
from vaemodels.metrics.estimate import Estimate
from vaemodels.noise import generator

_CHUNK = 500  # points whose pairs of codes are held at once


def disentanglement_score(
    encode: Callable[[NDArray[np.float32]], NDArray[Any]],
    sprites: Sprites,
    *,
    num_pairs: int = 64,
    num_train: int = 10_000,
    num_eval: int = 5_000,
    seed: int = 0,
) -> Estimate:
    """Returns how well a linear classifier tells which factor two images share, in [0, 1].

    For every point a factor is drawn, and `num_pairs` pairs of images that agree in this factor
    and are random in the others. The mean absolute difference of a pair's codes is the classifier's
    input: a latent of the shared factor alone stays near 0. Chance is 0.2, one in 5 factors. The
    score saturates: near 1 it does not rank models.

    The paper's classifier sees the differences as they are. Here every latent's are divided by
    their standard deviation, as its regularisation would otherwise punish codes of small scale.

    Args:
        encode: From images `(num_images, side, side, 1)` to codes `(num_images, num_latents)`,
            always the same for the same image: latent means. Called once, with all sprites.
        sprites: From `make_sprites`.
        num_pairs: Integer >= 1 of pairs per point.
        num_train: Integer >= 50 of points to train the classifier.
        num_eval: Integer >= 1 of points to test it.
        seed: Integer >= 0 that draws the points.

    Returns:
        The accuracy, with the binomial standard error over test points.

    Raises:
        ValueError: If `encode` returns no finite table with one row per image, or a number is out
            of range.

    References:
        Higgins et al., 2017, section 3, https://openreview.net/forum?id=Sy2fzU9gl
    """
    check_at_least(1, num_pairs=num_pairs, num_eval=num_eval)
    check_at_least(50, num_train=num_train)
    codes = np.asarray(encode(sprites.images))
    check_table(1, codes=codes)
    if len(codes) != len(sprites.images):
        raise ValueError(
            "Invalid value for `encode`. Expected one code per image, "
            f"{len(sprites.images)}. Received: {len(codes)}."
        )
    rng = generator(seed, "disentanglement", 0)
    shared = rng.integers(len(FACTOR_SIZES), size=num_train + num_eval)
    parts = [
        _differences(codes.astype(np.float64), shared[start : start + _CHUNK], num_pairs, rng)
        for start in range(0, len(shared), _CHUNK)
    ]
    return _accuracy(np.concatenate(parts), shared, num_train)


def _differences(
    codes: NDArray[np.float64],
    shared: NDArray[np.int64],
    num_pairs: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Returns the mean absolute differences, `(num_points, num_latents)`, of some points' pairs."""
    num_points, sizes = len(shared), list(FACTOR_SIZES.values())
    first, second = rng.integers(sizes, size=(2, num_points, num_pairs, len(sizes)))
    points = np.arange(num_points)
    second[points, :, shared] = first[points, :, shared]
    one, other = (codes[factor_rows(part.reshape(-1, len(sizes)))] for part in (first, second))
    differences: NDArray[np.float64] = np.abs(one - other).reshape(num_points, num_pairs, -1)
    return differences.mean(axis=1)


def _accuracy(
    differences: NDArray[np.float64], shared: NDArray[np.int64], num_train: int
) -> Estimate:
    from sklearn.linear_model import LogisticRegression  # a second to import: only who asks pays
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(differences[:num_train], shared[:num_train])
    return Estimate.of_mean(classifier.predict(differences[num_train:]) == shared[num_train:])
