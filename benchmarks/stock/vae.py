"""The model that a user of Keras would write: layers by hand, a `train_step`, `fit`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops


class Sampling(layers.Layer):
    """Draws from the posterior, as in Keras's own example of a VAE."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.seeds = keras.random.SeedGenerator(1337)

    def call(self, inputs: Any) -> Any:
        mean, log_var = inputs
        noise = keras.random.normal(ops.shape(mean), seed=self.seeds)
        return mean + ops.exp(0.5 * log_var) * noise


class KerasVAE(keras.Model):
    """A VAE of binary cross-entropy with a weight of its KL term.

    Args:
        encoder: From images to mean, log variance and a draw.
        decoder: From latent vectors to images in [0, 1].
        beta: The weight.
    """

    def __init__(self, encoder: Any, decoder: Any, beta: float):
        super().__init__()
        self.encoder, self.decoder, self.beta = encoder, decoder, beta
        names = ("loss", "reconstruction_loss", "kl_loss")
        self.trackers = [keras.metrics.Mean(name=name) for name in names]

    @property
    def metrics(self) -> list[Any]:
        return self.trackers

    def train_step(self, data: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            terms = self.terms(data)
        gradients = tape.gradient(terms[0], self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return self.noted(terms)

    def test_step(self, data: Any) -> dict[str, Any]:
        return self.noted(self.terms(data))

    def terms(self, data: Any) -> tuple[Any, Any, Any]:
        """Returns the loss, and the two terms that it is made of."""
        mean, log_var, z = self.encoder(data)
        rebuilt = self.decoder(z)
        pixels = keras.losses.binary_crossentropy(data, rebuilt)
        reconstruction = ops.mean(ops.sum(pixels, axis=(1, 2)))
        kl = -0.5 * (1 + log_var - ops.square(mean) - ops.exp(log_var))
        kl = ops.mean(ops.sum(kl, axis=1))
        return reconstruction + self.beta * kl, reconstruction, kl

    def noted(self, terms: tuple[Any, Any, Any]) -> dict[str, Any]:
        """Returns the means so far, these included."""
        for tracker, value in zip(self.trackers, terms, strict=True):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}


def dense_vae(
    widths: Sequence[int],
    latent_dim: int,
    beta: float,
    rate: float,
    image_shape: tuple[int, int, int] = (28, 28, 1),
) -> KerasVAE:
    """Returns a compiled VAE of dense layers."""
    images = keras.Input(image_shape)
    x = layers.Flatten()(images)
    for width in widths:
        x = layers.Dense(width, activation="relu")(x)
    encoder = _encoder(images, x, latent_dim)
    z = x = keras.Input((latent_dim,))
    for width in reversed(widths):
        x = layers.Dense(width, activation="relu")(x)
    x = layers.Dense(math.prod(image_shape), activation="sigmoid")(x)
    return _compiled(encoder, keras.Model(z, layers.Reshape(image_shape)(x)), beta, rate)


def conv_vae(side: int, filters: Sequence[int], latent_dim: int, rate: float = 1e-3) -> KerasVAE:
    """Returns a compiled VAE of strided convolutions."""
    images = x = keras.Input((side, side, 1))
    for number in filters:
        x = layers.Conv2D(number, 3, strides=2, padding="same", activation="relu")(x)
    small = x.shape[1]
    encoder = _encoder(images, layers.Flatten()(x), latent_dim)
    z = keras.Input((latent_dim,))
    x = layers.Dense(small * small * filters[-1], activation="relu")(z)
    x = layers.Reshape((small, small, filters[-1]))(x)
    for number in reversed(filters):
        x = layers.Conv2DTranspose(number, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x)
    return _compiled(encoder, keras.Model(z, x), 1.0, rate)


def _encoder(images: Any, features: Any, latent_dim: int) -> Any:
    mean, log_var = (layers.Dense(latent_dim)(features) for _ in range(2))
    return keras.Model(images, [mean, log_var, Sampling()([mean, log_var])])


def _compiled(encoder: Any, decoder: Any, beta: float, rate: float) -> KerasVAE:
    vae = KerasVAE(encoder, decoder, beta)
    vae.compile(optimizer=keras.optimizers.Adam(rate))
    return vae


def of_params(params: Mapping[str, Any], image_shape: tuple[int, int, int]) -> KerasVAE:
    """Returns the model of a trial's params."""
    widths = [params[f"width_{number}"] for number in range(params["num_layers"])]
    rest = params["latent_dim"], params["beta"], params["learning_rate"]
    return dense_vae(widths, *rest, image_shape)
