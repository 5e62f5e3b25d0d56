"""Parts of models, as a user of vaesearch would write them."""

import math

import keras
from keras import ops

from vaemodels.likelihoods import AbstractLikelihood
from vaemodels.posteriors import AbstractPosterior
from vaemodels.priors import AbstractPrior


def encoder(image_shape, filters=8, depth=1):
    """Returns a residual network from images to features."""
    images = keras.Input(image_shape)
    x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(images)
    for _ in range(depth):
        branch = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = keras.layers.Add()([x, keras.layers.Conv2D(filters, 1)(branch)])
    return keras.Model(images, x)


def decoder(latent_dim, image_shape, filters=8):
    """Returns a layer from `z` to one linear output per pixel."""
    return keras.Sequential(
        [
            keras.layers.Dense(4 * filters, activation="relu"),
            keras.layers.Dense(math.prod(image_shape)),
        ]
    )


class LaplacePrior(AbstractPrior):
    """Independent Laplace densities around 0."""

    def __init__(self, num_dims, scale=1.0, **kwargs):
        super().__init__(num_dims, **kwargs)
        self.scale = scale

    def log_prob(self, u):
        return ops.sum(-ops.abs(u) / self.scale - math.log(2 * self.scale), axis=-1)

    def sample(self, noise):
        uniform = 0.5 * (1.0 + ops.erf(noise / math.sqrt(2.0))) - 0.5
        tail = ops.log1p(-2.0 * ops.minimum(ops.abs(uniform), 0.4999999))
        return -self.scale * ops.sign(uniform) * tail


class UnitPosterior(AbstractPosterior):
    """Normals of one fixed variance."""

    noise_kind = "normal"

    def __init__(self, num_features, num_dims, deviation=0.5, **kwargs):
        super().__init__(num_features, num_dims, **kwargs)
        self.deviation = deviation
        self.noise_width = num_dims
        self.head = keras.layers.Dense(num_dims)  # its first call makes its weights

    def call(self, features):
        return {"mean": self.head(features)}

    def sample(self, parameters, noise):
        return parameters["mean"] + self.deviation * noise

    def mean(self, parameters):
        return parameters["mean"]

    def log_prob(self, parameters, u):
        z = (u - parameters["mean"]) / self.deviation
        constant = math.log(self.deviation) + 0.5 * math.log(2 * math.pi)
        return ops.sum(-0.5 * ops.square(z) - constant, axis=-1)


class LaplaceLikelihood(AbstractLikelihood):
    """Absolute errors of pixels between 0 and 1."""

    def log_prob(self, outputs, images):
        error = ops.abs(images - ops.sigmoid(outputs))
        return ops.sum(-error / 0.2 - math.log(0.4), axis=(1, 2, 3))

    def mean(self, outputs):
        return ops.sigmoid(outputs)


def no_layer(image_shape):
    return image_shape


def no_image(latent_dim, image_shape):
    return keras.layers.Dense(3)


class FailingLikelihood(LaplaceLikelihood):
    def log_prob(self, outputs, images):
        raise RuntimeError("the tape is torn")


NUMBER = 3
