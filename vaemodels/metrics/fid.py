"""The Frechet distance between Gaussians fitted to two sets of features (FID).

The features come from our own extractor, not from Inception: compare with nothing published.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_at_least
from vaemodels.metrics.arrays import check_table

# Digits that the one-pass covariance may lose of float64's 16.
_MAX_CANCELLATION = 1e3


@final
@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """The Gaussian fitted to a set of features.

    Attributes:
        mean: `(num_features,)` float64.
        covariance: `(num_features, num_features)` float64, divided by `count - 1`.
        count: Number of images behind it; values of different counts are not comparable.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    count: int

    @cached_property
    def root(self) -> NDArray[np.float64]:
        """Symmetric square root of the covariance, computed when first asked for and then kept.

        A reference's is used again and again. Nobody asks for that of generated images, where it
        would be most of the cost of a distance.
        """
        return _symmetric_root(self.covariance)

    @classmethod
    def from_features(cls, features: NDArray[Any]) -> "FeatureStatistics":
        """Returns the statistics of features of shape `(num_images >= 2, num_features)`.

        Raises:
            ValueError: If the shape is another or a feature is NaN or infinite.
        """
        check_table(2, features=features)
        return cls(*_moments(features.astype(np.float64)), len(features))

    def save(self, path: Path) -> None:
        """Writes the statistics to an `.npz` file."""
        with open(path, "wb") as file:
            np.savez(file, **self.to_arrays())

    @classmethod
    def load(cls, path: Path) -> "FeatureStatistics":
        """Returns statistics that `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls.from_arrays(dict(arrays))

    def to_arrays(self) -> dict[str, Any]:
        """Returns the statistics as named arrays; `from_arrays` takes them back."""
        return {
            "mean": self.mean,
            "covariance": self.covariance,
            "root": self.root,
            "count": np.array(self.count),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> "FeatureStatistics":
        """Returns the statistics in named arrays that `to_arrays` made."""
        statistics = cls(arrays["mean"], arrays["covariance"], int(arrays["count"]))
        # Where the cached property looks first: the root of a file is not computed again.
        statistics.__dict__["root"] = arrays["root"]
        return statistics


def frechet_distance(reference: FeatureStatistics, other: FeatureStatistics) -> float:
    """Returns the squared Frechet distance between two Gaussians, the FID of their features.

    Lower is better, 0 is a perfect match. Few images bias it upward, see `expected_bias`.

    Returns:
        `|m1 - m2|**2 + trace(C1) + trace(C2) - 2 * trace(sqrt(C1 @ C2))`, >= 0.

    Raises:
        ValueError: If the two have different numbers of features.

    References:
        Heusel et al., 2017, equation 6, https://arxiv.org/abs/1706.08500
    """
    if reference.mean.shape != other.mean.shape:
        raise ValueError(
            "Invalid value for `other`. Expected as many features as `reference` has, "
            f"{len(reference.mean)}. Received: {len(other.mean)}."
        )
    gap = reference.mean - other.mean
    # C1 @ C2 is not symmetric, but root @ C2 @ root is, and it has the same eigenvalues. Dead ReLU
    # features make both singular, which a Cholesky factor or a general `sqrtm` does not survive.
    product = reference.root @ other.covariance @ reference.root
    eigenvalues = np.linalg.eigvalsh((product + product.T) / 2.0)
    trace_root = np.sqrt(eigenvalues.clip(min=0.0)).sum()
    traces = np.trace(reference.covariance) + np.trace(other.covariance)
    return max(float(gap @ gap + traces - 2.0 * trace_root), 0.0)  # rounding can go below 0


def expected_bias(reference: FeatureStatistics, num_generated: int) -> float:
    """Returns the FID that `num_generated` images would have if they came from the same Gaussian.

    It is the floor below which differences mean nothing, and a large-sample formula: for 64
    features good to a few per cent from 1,000 images on.

    Returns:
        `(1/N + 1/M) * ((sum_ij(l_i * l_j / (l_i + l_j)) + sum_i(l_i) / 2) / 2 + sum_i(l_i))` with
        the eigenvalues `l` of the reference's covariance and its count `M`.

    Raises:
        ValueError: If `num_generated` is below 2.
    """
    check_at_least(2, num_generated=num_generated)
    eigenvalues = np.linalg.eigvalsh(reference.covariance).clip(min=0.0)
    sums = eigenvalues[:, None] + eigenvalues[None, :]
    products = eigenvalues[:, None] * eigenvalues[None, :]
    pairs = np.divide(products, sums, out=np.zeros_like(sums), where=sums > 0.0).sum()
    total = eigenvalues.sum()
    rate = (pairs + total / 2.0) / 2.0 + total
    return float((1.0 / num_generated + 1.0 / reference.count) * rate)


def _moments(features: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns mean and covariance, 4 times as fast as `numpy.cov`; may centre the features."""
    count = len(features)
    mean = np.ones(count) @ features / count  # BLAS sums columns faster than `mean` does
    squares = features.T @ features
    covariance: NDArray[np.float64] = (squares - count * np.outer(mean, mean)) / (count - 1)
    # Where means are large against deviations the difference has lost digits: then centre first.
    if (np.diag(squares) > _MAX_CANCELLATION * count * np.diag(covariance)).any():
        features -= mean
        covariance = features.T @ features / (count - 1)
    return mean, covariance


def _symmetric_root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    eigenvalues, vectors = np.linalg.eigh(covariance)
    # Eigenvalues below rounding error are noise around 0; their roots would not be small.
    floor = len(covariance) * np.finfo(np.float64).eps * max(float(eigenvalues[-1]), 0.0)
    eigenvalues = np.where(eigenvalues > floor, eigenvalues, 0.0)
    root: NDArray[np.float64] = (vectors * np.sqrt(eigenvalues)) @ vectors.T
    return root
