"""A model as two functional Keras models of stock layers, which any process with Keras can load."""

import keras

from vaemodels.vae import VAE, standardized


def functional_encoder(vae: VAE) -> keras.Model:
    """Returns a model from images `(batch, height, width, channels)` in [0, 1] to their codes.

    What it computes is `vae.encode`: the latent means, `(batch, latent_dim)`. Dropout is off and
    batch statistics are those of the training. Its weights are those of `vae`, not copies.

    Args:
        vae: The model.
    """
    images = keras.Input(vae.config.image_shape, name="images")
    # By `call`, so that the graph holds the stock layers inside of each part, not the part itself.
    features = vae.encoder.call(standardized(images, vae.config.standardize), training=False)
    parameters = vae.posterior.call(features)
    codes = vae.link(vae.posterior.mean(parameters))
    return keras.Model(images, codes, name="encoder")


def functional_decoder(vae: VAE) -> keras.Model:
    """Returns a model from `z`, `(batch, latent_dim)`, to mean images in [0, 1]: `vae.decode`.

    Args:
        vae: The model.
    """
    z = keras.Input((vae.latent_dim,), name="z")
    images = vae.likelihood.mean(vae.decoder.call(z, training=False))
    return keras.Model(z, images, name="decoder")
