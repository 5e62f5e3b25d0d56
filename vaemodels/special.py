"""Special functions that `keras.ops` lacks, safe in float32 at both ends of their range."""

import math

import keras
import tensorflow as tf
from keras import ops

from vaemodels.gradients import own_gradient
from vaemodels.layers import Tensor

_SMALLEST_UNIFORM = 2.0**-25
_LARGEST_UNIFORM = 1.0 - 2.0**-24  # the float32 below 1
# Candidates per draw; the chance that all are rejected is below 0.05**4 = 6e-6.
_CANDIDATES = 4
_STIRLING_STEPS = 8


def log1mexp(x: Tensor) -> Tensor:
    """Returns `log(1 - exp(x))` for x < 0, exact near 0 and for very negative x.

    x above -1e-30 counts as -1e-30: a floor like -1e-7, customary elsewhere, would change
    posteriors whose mass lies nearer than that to an end.
    """
    x = ops.minimum(x, -1e-30)
    is_small = x > -math.log(2.0)
    # Each branch gets harmless values where the other is used: NaN times 0 is NaN in a gradient.
    near = ops.log(-ops.expm1(ops.where(is_small, x, -1.0)))
    far = ops.log1p(-ops.exp(ops.where(is_small, -1.0, x)))
    return ops.where(is_small, near, far)


def lgamma(x: Tensor) -> Tensor:
    """Returns the logarithm of the gamma function of x > 0.

    TensorFlow's; in the graph of a functional Keras model, which may hold nothing but `keras.ops`,
    Stirling's series, to a relative 1e-11 in float64.
    """
    return _stirling(x) if keras.utils.is_keras_tensor(x) else tf.math.lgamma(x)


def _stirling(x: Tensor) -> Tensor:
    # Gamma(x + 8) = Gamma(x) * x * ... * (x + 7), and the series converges for large arguments.
    product = x
    for step in range(1, _STIRLING_STEPS):
        product = product * (x + step)
    y = x + _STIRLING_STEPS
    series = 1 / (12 * y) - 1 / (360 * y**3) + 1 / (1260 * y**5) - 1 / (1680 * y**7)
    return (y - 0.5) * ops.log(y) - y + 0.5 * math.log(2 * math.pi) + series - ops.log(product)


def digamma(x: Tensor) -> Tensor:
    """Returns the derivative of `lgamma`."""
    return tf.math.digamma(x)


def normal_to_uniform(x: Tensor) -> Tensor:
    """Returns the standard normal's distribution function, kept inside of (0, 1)."""
    probability = 0.5 * tf.math.erfc(-ops.convert_to_tensor(x) * math.sqrt(0.5))
    return ops.clip(probability, _SMALLEST_UNIFORM, _LARGEST_UNIFORM)


def uniform_to_normal(probability: Tensor) -> Tensor:
    """Returns the standard normal's quantiles of probabilities inside of (0, 1)."""
    return tf.math.ndtri(probability)


def gamma_noise_width(num_dims: int) -> int:
    """Returns the columns of uniform noise that `log_gamma_draws` takes for so many dimensions."""
    return num_dims * (2 * _CANDIDATES + 1)


def log_gamma_draws(concentration: Tensor, noise: Tensor) -> Tensor:
    """Returns logarithms of Gamma(concentration, 1) draws, `(batch, num_dims)`.

    Marsaglia and Tsang's method at concentration + 1, the first of a few candidates that is
    accepted, then `log g(a) = log g(a + 1) + log(u) / a`: in logarithms nothing underflows however
    small `a` is. The gradient in the concentration is the implicit one, so it is unbiased although
    the choice of a candidate is not differentiable.

    Args:
        concentration: `(batch, num_dims)`, > 0.
        noise: Uniforms in (0, 1), `(batch, gamma_noise_width(num_dims))`.

    References:
        Marsaglia & Tsang, 2000, https://doi.org/10.1145/358407.358414
        Figurnov et al., 2018, https://arxiv.org/abs/1805.08498
    """
    num_dims = concentration.shape[-1]
    noise = ops.reshape(noise, (-1, num_dims, 2 * _CANDIDATES + 1))
    boosted = ops.reshape(concentration + 1.0, (-1,))
    log_boosted = _log_gamma_above_one(boosted, ops.reshape(noise[..., :-1], (-1, 2 * _CANDIDATES)))
    log_boosted = ops.reshape(log_boosted, ops.shape(concentration))
    return log_boosted + ops.log(noise[..., -1]) / concentration


@own_gradient((None,), (None, 2 * _CANDIDATES))
def _log_gamma_above_one(concentration: Tensor, noise: Tensor) -> Tensor:
    gamma = _marsaglia_tsang(concentration, noise)

    def gradient(upstream: Tensor) -> tuple[Tensor, None]:
        derivative = tf.raw_ops.RandomGammaGrad(alpha=concentration, sample=gamma)
        return upstream * derivative / gamma, None

    return ops.log(gamma), gradient


def _marsaglia_tsang(concentration: Tensor, noise: Tensor) -> Tensor:
    d = (concentration - 1.0 / 3.0)[..., None]
    x = uniform_to_normal(noise[..., :_CANDIDATES])
    root = 1.0 + x / ops.sqrt(9.0 * d)
    v = ops.where(root > 0, root, 1.0) ** 3
    bound = 0.5 * x**2 + d - d * v + d * ops.log(v)
    accepted = ops.logical_and(root > 0, ops.log(noise[..., _CANDIDATES:]) < bound)
    first = ops.argmax(ops.cast(accepted, "int32"), axis=-1)
    return d[..., 0] * ops.take_along_axis(v, first[..., None], axis=-1)[..., 0]
