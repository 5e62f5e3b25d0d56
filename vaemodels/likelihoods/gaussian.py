import math
from typing import Any, final

from keras import ops

from vaemodels.checks import check_positive, refuse
from vaemodels.layers import Tensor
from vaemodels.likelihoods.base import AbstractLikelihood
from vaemodels.posteriors.diagonal_gaussian import soft_bound


@final
class GaussianLikelihood(AbstractLikelihood):
    """Independent normals with one variance for all pixels, normalised.

    With a variance of 0.5, `-log_prob` is the sum of squared errors plus the constant
    `num_pixels / 2 * log(pi)`.

    Args:
        variance: Number > 0 in squared units of the (standardised) pixels, or "learned": one
            scalar weight, soft-bounded as the posterior's, from 1 at the start.
        standardize: None: the mean of a pixel is the sigmoid of the output. (mean, standard
            deviation): the output is the mean of the standardised pixel, and the density is over
            standardised pixels.

    References:
        Rybkin et al., 2021, sigma-VAE, https://arxiv.org/abs/2006.13202
    """

    def __init__(
        self,
        variance: float | str = 0.5,
        standardize: tuple[float, float] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if isinstance(variance, str):
            if variance != "learned":
                raise refuse("variance", "a finite number > 0 or 'learned'", variance)
            self.raw_log_var = self.add_weight(shape=(), initializer="zeros", name="raw_log_var")
        else:
            check_positive(variance=variance)
        self.variance = variance
        self.standardize = standardize

    def log_var(self) -> Tensor:
        """Returns the log of the variance, a scalar."""
        if isinstance(self.variance, str):
            return soft_bound(ops.convert_to_tensor(self.raw_log_var))
        return math.log(self.variance)

    def log_prob(self, outputs: Tensor, images: Tensor) -> Tensor:
        if self.standardize is None:
            residual = images - ops.sigmoid(outputs)
        else:
            mean, deviation = self.standardize
            residual = (images - mean) / deviation - outputs
        num_pixels = math.prod(outputs.shape[1:])
        squares = ops.sum(ops.square(residual), axis=(1, 2, 3))
        log_var = self.log_var()
        precision = ops.exp(-log_var) if isinstance(self.variance, str) else 1 / self.variance
        return -0.5 * (squares * precision + num_pixels * (log_var + math.log(2 * math.pi)))

    def mean(self, outputs: Tensor) -> Tensor:
        if self.standardize is None:
            return ops.sigmoid(outputs)
        mean, deviation = self.standardize
        return ops.clip(outputs * deviation + mean, 0.0, 1.0)
