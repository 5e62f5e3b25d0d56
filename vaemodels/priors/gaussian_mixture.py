import math
from typing import Any, final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from vaemodels.checks import check_at_least
from vaemodels.layers import Tensor
from vaemodels.priors.base import AbstractPrior
from vaemodels.special import normal_to_uniform

_SMALLEST_VARIANCE = 1e-3
_START_DEVIATION = 1.5  # of the means: components that start in one place stay there


@final
class GaussianMixturePrior(AbstractPrior):
    """A learned mixture of normals with diagonal covariances.

    After the first epoch the components move to clusters of the codes (k-means), because from a
    random start some die. Variances are at least 0.001: a component on a single code would be
    infinitely likely.

    Args:
        num_dims: Integer >= 1, length of `u`.
        num_components: Integer >= 1.
        seed: Integer that fixes the initial means.

    References:
        Tomczak & Welling, 2018, section 2, https://arxiv.org/abs/1705.07120
    """

    initialize_at_epoch = 1

    def __init__(self, num_dims: int, num_components: int = 10, seed: int = 0, **kwargs: Any):
        super().__init__(num_dims, **kwargs)
        check_at_least(1, num_components=num_components)
        self.num_components = num_components
        self.noise_width = num_dims + 1  # the last column chooses the component
        shape = (num_components, num_dims)
        start = keras.initializers.RandomNormal(stddev=_START_DEVIATION, seed=seed % 2**31)
        self.logits = self.add_weight(shape=shape[:1], initializer="zeros", name="logits")
        self.means = self.add_weight(shape=shape, initializer=start, name="means")
        unit = keras.initializers.Constant(_inverse_softplus(1.0))
        self.raw_variances = self.add_weight(shape=shape, initializer=unit, name="raw_variances")

    def variances(self) -> Tensor:
        """Returns the variances, `(num_components, num_dims)`."""
        return ops.softplus(self.raw_variances) + _SMALLEST_VARIANCE

    def log_weights(self) -> Tensor:
        """Returns the logarithms of the components' weights, `(num_components,)`."""
        return ops.log_softmax(ops.convert_to_tensor(self.logits))

    def log_prob(self, u: Tensor) -> Tensor:
        variances = self.variances()
        squares = (u[..., None, :] - self.means) ** 2 / variances
        densities = -0.5 * ops.sum(squares + ops.log(2 * math.pi * variances), axis=-1)
        return ops.logsumexp(self.log_weights() + densities, axis=-1)

    def sample(self, noise: Tensor) -> Tensor:
        chosen = choose_components(ops.exp(self.log_weights()), noise[:, -1])
        deviations = ops.sqrt(ops.take(self.variances(), chosen, axis=0))
        return ops.take(self.means, chosen, axis=0) + deviations * noise[:, :-1]

    def initialize(self, images: NDArray[np.float32], codes: NDArray[np.float32]) -> None:
        from sklearn.cluster import KMeans  # a second that other variants need not wait for

        if len(codes) < self.num_components or not np.isfinite(codes).all():
            return  # too few images for clusters, or a training that has diverged
        clusters = KMeans(self.num_components, n_init=1, random_state=0).fit(codes)
        counts = np.bincount(clusters.labels_, minlength=self.num_components)
        spread = np.stack(
            [
                codes[clusters.labels_ == c].var(axis=0) if count else codes.var(axis=0)
                for c, count in enumerate(counts)
            ]
        )
        self.logits.assign(np.log((counts + 1.0) / (counts.sum() + self.num_components)))
        self.means.assign(clusters.cluster_centers_)
        self.raw_variances.assign(_inverse_softplus(spread.clip(min=1e-2)))


def choose_components(weights: Tensor, noise: Tensor) -> Tensor:
    """Returns component numbers `(batch,)`, each as often as its weight, from N(0, 1) noise."""
    upper = ops.cumsum(weights)[:-1]
    return ops.sum(ops.cast(normal_to_uniform(noise)[:, None] > upper, "int32"), axis=-1)


def _inverse_softplus(y: Any) -> Any:
    return y - _SMALLEST_VARIANCE + np.log(-np.expm1(-(y - _SMALLEST_VARIANCE)))
