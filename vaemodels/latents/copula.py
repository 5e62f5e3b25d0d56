from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from vaemodels.latents.base import AbstractLatentSampler, check_codes, symmetric_root


@final
class CopulaLatentSampler(AbstractLatentSampler):
    """Gaussian copula of the codes of training images: their own margins, dependent as normals.

    Args:
        codes: `(num_images >= 2, num_dims)`, finite.

    Raises:
        ValueError: If there are fewer than 2 codes, or one is not finite.

    References:
        Nelsen, 2006, An Introduction to Copulas, chapter 2.
    """

    def __init__(self, codes: NDArray[np.float32]):
        from scipy.stats import rankdata  # most of a second to import, and few samplers need it

        exact = check_codes(codes)
        self.noise_width = exact.shape[1]
        ranks = rankdata(exact, axis=0) / (len(exact) + 1)
        scores = ndtri(ranks)
        deviations = scores.std(axis=0)
        scores /= np.where(deviations > 0, deviations, 1.0)
        correlations = np.atleast_2d(np.cov(scores, rowvar=False, ddof=0))
        np.fill_diagonal(correlations, 1.0)  # of a dead dimension too: its margin is one value
        self.root = symmetric_root(correlations)
        self.sorted = np.sort(exact, axis=0)

    def draw(self, noise: NDArray[np.float32]) -> NDArray[np.float64]:
        levels = ndtr(noise.astype(np.float64) @ self.root)
        places = levels * (len(self.sorted) + 1) - 1  # of rank r: r / (num_images + 1)
        grid = np.arange(len(self.sorted))
        columns = [np.interp(places[:, j], grid, self.sorted[:, j]) for j in range(places.shape[1])]
        return np.stack(columns, axis=1)
