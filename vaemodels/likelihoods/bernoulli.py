from typing import final

from keras import ops

from vaemodels.layers import Tensor
from vaemodels.likelihoods.base import AbstractLikelihood


@final
class BernoulliLikelihood(AbstractLikelihood):
    """Cross-entropy from logits. On grey pixels it is customary but not a normalised density."""

    def log_prob(self, outputs: Tensor, images: Tensor) -> Tensor:
        # softplus(l) - l * x is the cross-entropy; one kernel with a gradient of its own, where
        # Keras's binary_crossentropy is a dozen small ones.
        return ops.sum(images * outputs - ops.softplus(outputs), axis=(1, 2, 3))

    def mean(self, outputs: Tensor) -> Tensor:
        return ops.sigmoid(outputs)
