import math
from typing import Any, final

from keras import ops

from vaemodels.gradients import own_gradient
from vaemodels.layers import Tensor
from vaemodels.likelihoods.base import AbstractLikelihood

# 120 factors of at least a half are no smaller than float32 can hold.
_MOST_FACTORS = 120


@final
class BernoulliLikelihood(AbstractLikelihood):
    """Cross-entropy from logits. On grey pixels it is customary but not a normalised density."""

    def log_prob(self, outputs: Tensor, images: Tensor) -> Tensor:
        num_pixels = math.prod(outputs.shape[1:])
        size = next(n for n in range(_MOST_FACTORS, 0, -1) if num_pixels % n == 0)
        groups = (-1, num_pixels // size, size)
        return _log_prob(ops.reshape(outputs, groups), ops.reshape(images, groups))

    def mean(self, outputs: Tensor) -> Tensor:
        return ops.sigmoid(outputs)


@own_gradient((None, None, None), (None, None, None))
def _log_prob(logits: Tensor, images: Tensor) -> Any:
    """Returns `sum(x * l - softplus(l))` over the pixels of each image, `(batch,)`, and its
    gradient.

    `softplus(l) = max(l, 0) - log(max(p, 1 - p))` with the probability p = sigmoid(l), which the
    gradient `x - p` needs anyway: a step of a dense VAE spends a sixth of its time on `softplus`
    and what follows from it otherwise. The logarithms, of factors within [0.5, 1], are those of
    products of whole groups: one costs as much as a dozen products.

    Args:
        logits: `(batch, groups, at most _MOST_FACTORS)`.
        images: Of the same shape.
    """
    probabilities = ops.sigmoid(logits)
    certain = ops.maximum(probabilities, 1.0 - probabilities)
    logs = ops.sum(ops.log(ops.prod(certain, axis=2)), axis=1)
    value = ops.sum(images * logits - ops.relu(logits), axis=(1, 2)) + logs

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
        slope = upstream[:, None, None]
        return slope * (images - probabilities), slope * logits

    return value, gradient
