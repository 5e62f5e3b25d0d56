"""The importance-sampled likelihood of images, in nats."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.special import logsumexp

from vaemodels.checks import check_at_least
from vaemodels.compiling import compiled
from vaemodels.metrics.arrays import check_model
from vaemodels.metrics.estimate import Estimate
from vaemodels.noise import draw, generator

_ROWS = 500  # images times samples that are decoded at once


def log_likelihood(
    vae: Any, images: NDArray[Any], *, num_samples: int = 100, seed: int = 0
) -> Estimate:
    """Returns the mean of log p(x) over images, in nats per image; higher is better.

    `log p(x) = log E_q[p(x|z(u)) * p(u) / q(u|x)]`, with the mean over `num_samples` draws of the
    posterior for the expectation. Both densities are over `u`, so the link to `z` needs no
    Jacobian. Their ratio is exact for every pair of posterior and prior, also where the KL has no
    closed form. The density is the likelihood's own: with `standardize`, one over standardised
    pixels; a Bernoulli's over grey pixels is not normalised.

    Args:
        vae: A model whose posterior and prior are densities. Dropout is off.
        images: `(num_images >= 1, height, width, channels)` in [0, 1].
        num_samples: Integer >= 1 of draws per image. 1 gives an unbiased estimate of the ELBO at
            beta = 1. Published values have 100 to 5,000.
        seed: Integer >= 0. The draws of an image depend on its row, not on the other images.

    Returns:
        With the standard error over images. In expectation it is a lower bound of the truth that
        `num_samples` closes; the (negative) bias is the leading term of the gap, half the squared
        coefficient of variation of the weights over `num_samples`, itself an underestimate where a
        few draws carry the weight. It is None for one sample.

    Raises:
        ValueError: If the model is an autoencoder, the images are not the model's, a number is out
            of range, or a weight is not finite.

    References:
        Burda et al., 2016, https://arxiv.org/abs/1509.00519
    """
    check_at_least(1, num_samples=num_samples)
    check_at_least(0, seed=seed)
    check_model(vae, images, lacks="likelihood")
    weigh = _compile_log_weights(vae)
    means, biases = [], []
    for rows in _row_blocks(len(images), max(_ROWS // num_samples, 1)):
        log_weights = _log_weights(vae, weigh, images[rows], rows, num_samples, seed)
        _check_weights(log_weights)
        log_means = logsumexp(log_weights, axis=1) - np.log(num_samples)
        means.append(log_means)
        if num_samples > 1:
            relative = np.exp(log_weights - log_means[:, None])  # their mean is 1
            biases.append(-0.5 * relative.var(axis=1, ddof=1) / num_samples)
    mean = Estimate.of_mean(np.concatenate(means))
    bias = float(np.concatenate(biases).mean()) if biases else None
    return Estimate(mean.value, mean.standard_error, mean.num_samples, bias)


def _check_weights(log_weights: NDArray[np.float64]) -> None:
    # A weight of 0 is fine as long as not all are.
    if np.isnan(log_weights).any() or not np.isfinite(log_weights.max(axis=1)).all():
        raise ValueError(
            "Invalid value for `vae`. Expected finite weights p(x|z) p(u) / q(u|x). Received: NaN "
            "or infinite ones; did training diverge?"
        )


def _row_blocks(num_rows: int, size: int) -> Iterator[range]:
    for start in range(0, num_rows, size):
        yield range(start, min(start + size, num_rows))


def _log_weights(
    vae: Any,
    weigh: Callable[..., Any],
    images: NDArray[Any],
    rows: range,
    num_samples: int,
    seed: int,
) -> NDArray[np.float64]:
    """Returns the log weights `(num_images, num_samples)` of the images of some rows."""
    kind, width = vae.posterior.noise_kind, vae.posterior.noise_width
    rngs = [generator(seed, "likelihood", row) for row in rows]
    parts = []
    for block in _row_blocks(num_samples, _ROWS):
        # One generator per image, drawn from in turn: pieces are the same as one large draw.
        noise = np.stack([draw(rng, kind, (len(block), width)) for rng in rngs])
        parts.append(weigh(images.astype(np.float32, copy=False), noise).numpy())
    return np.concatenate(parts, axis=1).astype(np.float64)


def _compile_log_weights(vae: Any) -> Callable[..., Any]:
    """Returns a function from images `(n, h, w, c)` and noise `(n, s, k)` to log weights `(n, s)`.

    It is traced once for all `n` and `s`.
    """
    width = vae.posterior.noise_width

    def run(images: Any, noise: Any) -> Any:
        num_samples = tf.shape(noise)[1]

        def repeated(tensor: Any) -> Any:
            return tf.repeat(tensor, num_samples, axis=0)

        parameters = {name: repeated(part) for name, part in vae.parameters(images).items()}
        u = vae.posterior.sample(parameters, tf.reshape(noise, (-1, width)))
        log_likelihoods = vae.likelihood.log_prob(vae.decoder(vae.link(u)), repeated(images))
        log_ratios = vae.prior.log_prob(u) - vae.posterior.log_prob(parameters, u)
        return tf.reshape(log_likelihoods + log_ratios, (-1, num_samples))

    signature = [
        tf.TensorSpec((None, *vae.config.image_shape), tf.float32),
        tf.TensorSpec((None, None, width), tf.float32),
    ]
    weigh = compiled(run, signature)
    return lambda images, noise: weigh(tf.constant(images), tf.constant(noise))
