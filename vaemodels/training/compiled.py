"""The functions that TensorFlow compiles: training steps, evaluation, encoding, decoding."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import tensorflow as tf

from vaemodels.compiling import compiled, pixels
from vaemodels.config import BackboneConfig, DenseConfig, HybridConfig, VAEConfig
from vaemodels.config.layers import DenseLayer, ReshapeLayer
from vaemodels.counts import count_parameters
from vaemodels.training.adam import Adam
from vaemodels.vae import VAE

_REPAYING_STEPS: Final = 10_000
_MOST_PARAMETERS: Final = 600_000


def _is_dense(backbone: BackboneConfig) -> bool:
    """Returns whether a backbone has dense layers alone, and no dropout."""
    if isinstance(backbone, HybridConfig):
        return all(isinstance(layer, DenseLayer | ReshapeLayer) for layer in backbone.layers)
    return isinstance(backbone, DenseConfig) and backbone.dropout == 0


def pays_to_compile(config: VAEConfig, total_steps: int) -> bool:
    """Returns whether XLA makes a training of `total_steps` steps faster on a CPU.

    Never with convolutions (10 times slower than oneDNN's) or dropout (5 times slower), and not
    with recurrent layers: a GRU over 28 rows gained a quarter (23 steps/s with it, 18 without), but
    small images, the only ones compiled then, were not measured. Dense models gain what their many
    small operations cost, 7 to 40 % of a step, and pay half a second to two seconds at the start,
    which 2,000 to 9,000 steps repay; large ones, whose time goes into matrix products, gain
    nothing (measured on one core with 64 to 784 pixels, `python -m benchmarks step`).
    """
    if not (_is_dense(config.encoder) and _is_dense(config.decoder)):
        return False
    if config.own_parts:  # XLA may not know what they do
        return False
    return total_steps >= _REPAYING_STEPS and count_parameters(config) < _MOST_PARAMETERS


def ready_chunk(vae: VAE, adam: Adam, block: Any, *, scale: float, jit: bool) -> Callable[..., Any]:
    """Returns what `make_chunk` does, compiled by a call that takes no step: the time of its first
    chunk is that of its steps."""
    chunk = make_chunk(vae, adam, block, scale=scale, jit=jit)
    size = block.shape[0] or 0
    images = np.zeros((size, *block.shape[1:]), block.dtype.as_numpy_dtype)
    noise = np.zeros((size, block.shape[1], vae.posterior.noise_width), np.float32)
    sums = np.zeros(len(vae.term_names), np.float32)
    chunk(images, noise, 0, 0, np.float32(0), np.float32(0), sums)
    return chunk


def make_chunk(vae: VAE, adam: Adam, block: Any, *, scale: float, jit: bool) -> Callable[..., Any]:
    """Returns a compiled function that takes several training steps.

    It takes (block, noise, num_steps, first_step, beta, learning_rate, sums) and returns the sums
    plus the loss terms of these steps. The sums go in and out, so that the result does not depend
    on where an epoch was cut into chunks.

    Args:
        vae: The model.
        adam: The optimizer of its trainable variables.
        block: `tf.TensorSpec` of `(steps or None, batch, height, width, channels)`.
        scale: Value of a white pixel.
        jit: Whether XLA compiles it; then `steps` must be known.
    """
    names = vae.term_names

    def take_step(images: Any, noise: Any, step: Any, beta: Any, learning_rate: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(adam.variables)
            terms = vae.losses(pixels(images, scale), noise, beta, training=True)
        adam.apply(tape.gradient(terms["loss"], adam.variables), step, learning_rate)
        return tf.stack([terms[name] for name in names])

    def run(
        block: Any,
        noise: Any,
        num_steps: Any,
        first_step: Any,
        beta: Any,
        learning_rate: Any,
        sums: Any,
    ) -> Any:
        def body(i: Any, sums: Any) -> tuple[Any, Any]:
            step = first_step + i + 1
            images = tf.gather(block, i)
            terms = take_step(images, tf.gather(noise, i), step, beta, learning_rate)
            return i + 1, sums + terms

        return tf.while_loop(lambda i, _: i < num_steps, body, (tf.constant(0), sums))[1]

    spec = tf.TensorSpec
    noise = spec((block.shape[0], block.shape[1], vae.posterior.noise_width), tf.float32)
    integer, number = spec((), tf.int32), spec((), tf.float32)
    signature = [block, noise, integer, integer, number, number, spec((len(names),), tf.float32)]
    return compiled(run, signature, jit)


def make_evaluate(vae: VAE, dtype: Any, scale: float) -> Callable[..., Any]:
    """Returns a compiled function from (images, noise, beta) to the stacked loss terms, and the
    posteriors' means."""
    names = vae.term_names

    def run(images: Any, noise: Any, beta: Any) -> Any:
        images = pixels(images, scale)
        parameters = vae.parameters(images)
        terms = vae.losses(images, noise, beta, parameters=parameters)
        return tf.stack([terms[name] for name in names]), vae.posterior.mean(parameters)

    spec = tf.TensorSpec
    signature = [
        spec((None, *vae.config.image_shape), dtype),
        spec((None, vae.posterior.noise_width), tf.float32),
        spec((), tf.float32),
    ]
    return compiled(run, signature)
