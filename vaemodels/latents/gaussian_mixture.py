import warnings
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from vaemodels.latents.base import AbstractLatentSampler, check_codes

_MAX_ITERATIONS = 2000  # and tolerance: the settings of the reference
_TOLERANCE = 1e-3


@final
class GaussianMixtureLatentSampler(AbstractLatentSampler):
    """Mixture of normals with full covariances, fitted to the codes of training images by EM.

    Ghosh et al., 2020, https://arxiv.org/abs/1903.12436 use 10 components.

    Args:
        codes: `(num_images >= num_components, num_dims)`, finite.
        num_components: Integer >= 1.

    Raises:
        ValueError: If there are too few codes, or one is not finite.
    """

    def __init__(self, codes: NDArray[np.float32], num_components: int = 10):
        from sklearn.exceptions import ConvergenceWarning  # most of a second to import
        from sklearn.mixture import GaussianMixture

        # float64: sklearn's own sampling and fitting fail on the rounding of float32.
        exact = check_codes(codes, fewest=max(2, num_components))
        mixture = GaussianMixture(
            num_components, max_iter=_MAX_ITERATIONS, tol=_TOLERANCE, random_state=0
        )
        with warnings.catch_warnings():  # equal codes give fewer clusters; the fit is right then
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.fit(exact)
        self.noise_width = exact.shape[1] + 1  # the last column chooses the component
        self.weights: NDArray[np.float64] = mixture.weights_
        self.means: NDArray[np.float64] = mixture.means_
        self.factors: NDArray[np.float64] = np.linalg.cholesky(mixture.covariances_)

    def draw(self, noise: NDArray[np.float32]) -> NDArray[np.float64]:
        exact = noise.astype(np.float64)
        chosen = np.searchsorted(np.cumsum(self.weights)[:-1], ndtr(exact[:, -1]))
        draws = self.means[chosen]
        for component, factor in enumerate(self.factors):  # one factor per row would fill memory
            rows = chosen == component
            draws[rows] += exact[rows, :-1] @ factor.T
        result: NDArray[np.float64] = draws
        return result
