"""What every pair of encoder and decoder must do. Provide `encoder` and `decoder` configs.

A decoder whose layers name the image's shape overrides `make_config` instead.
"""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from vaemodels.building import build
from vaemodels.config import VAEConfig
from vaemodels.counts import count_parameters
from vaemodels.noise import base_noise


def images_of(shape, count=3):
    """Returns fixed images in (0, 1)."""
    return base_noise("uniform", 0, count, int(np.prod(shape))).reshape(count, *shape)


def gradients_of(vae, images):
    """Returns the gradient of one training step's loss for every trainable weight."""
    noise = base_noise("normal", 0, len(images), vae.posterior.noise_width)
    with tf.GradientTape() as tape:
        loss = vae.losses(images, noise, 1.0, training=True)["loss"]
    return tape.gradient(loss, [variable.value for variable in vae.trainable_variables])


class BackboneContract:
    @pytest.fixture
    def encoder(self):
        raise NotImplementedError("Return the encoder's config.")

    @pytest.fixture
    def decoder(self):
        raise NotImplementedError("Return the decoder's config.")

    @pytest.fixture
    def make_config(self, encoder, decoder):
        return lambda shape: VAEConfig(shape, latent_dim=3, encoder=encoder, decoder=decoder)

    @pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (15, 11, 3), (9, 32, 2)])
    def test_any_image_shape_is_hit_exactly(self, make_config, shape):
        vae = build(make_config(shape))
        images = images_of(shape)
        assert vae.encode(images).shape == (3, 3)
        assert vae.reconstruct(images).shape == images.shape
        assert vae.num_parameters == count_parameters(make_config(shape))

    def test_a_single_row_of_pixels_works_or_is_refused_with_the_layer(self, make_config):
        try:
            vae = build(make_config((1, 12, 1)))
        except ValueError as error:
            assert re.search(r"[Ll]ayer \d", str(error))  # noqa: PT017 (either is right)
        else:
            assert vae.reconstruct(images_of((1, 12, 1))).shape == (3, 1, 12, 1)

    def test_same_seed_same_weights(self, make_config):
        first, second, other = (build(make_config((8, 8, 1)), seed) for seed in (3, 3, 4))
        for a, b in zip(first.variables, second.variables, strict=True):
            np.testing.assert_array_equal(a, b)
        assert not np.array_equal(first.weights[0], other.weights[0])

    def test_no_two_kernels_start_equal(self, make_config):
        """Layers that share a seed would start with the same numbers."""
        kernels = [w for w in build(make_config((8, 8, 1))).weights if len(w.shape) > 1]
        kernels = [np.asarray(kernel) for kernel in kernels if np.any(kernel)]
        starts = {tuple(np.sort(kernel.ravel())[:3] / np.abs(kernel).max()) for kernel in kernels}
        assert len(starts) == len(kernels)

    def test_outside_training_it_is_deterministic(self, make_config):
        vae = build(make_config((8, 8, 1)))
        images = images_of((8, 8, 1))
        np.testing.assert_array_equal(vae.reconstruct(images), vae.reconstruct(images))

    def test_compiled_equals_eager(self, make_config):
        vae = build(make_config((15, 11, 3)))
        images = images_of((15, 11, 3))
        compiled = tf.function(vae.reconstruct, autograph=False)(tf.constant(images))
        np.testing.assert_allclose(compiled, vae.reconstruct(images), atol=1e-5)

    def test_gradients_reach_every_weight(self, make_config):
        keras.utils.set_random_seed(0)
        vae = build(make_config((8, 8, 1)))
        gradients = gradients_of(vae, images_of((8, 8, 1), 16))
        for variable, gradient in zip(vae.trainable_variables, gradients, strict=True):
            assert gradient is not None, variable.path
            assert np.all(np.isfinite(gradient)), variable.path
            assert np.any(np.asarray(gradient) != 0), variable.path

    def test_a_broken_image_leaves_the_others_alone(self, make_config):
        vae = build(make_config((8, 8, 1)))
        images = images_of((8, 8, 1))
        expected = np.asarray(vae.encode(images))[1:]
        for value in (np.nan, np.inf, 1e30):
            broken = images.copy()
            broken[0] = value
            np.testing.assert_allclose(np.asarray(vae.encode(broken))[1:], expected, atol=1e-6)

    def test_images_of_another_shape_are_refused(self, make_config):
        vae = build(make_config((8, 8, 1)))
        with pytest.raises(ValueError, match="expected shape"):
            vae.encode(images_of((4, 16, 1)))
        with pytest.raises(ValueError, match="expected shape"):
            vae.decode(np.zeros((3, 1), np.float32))

    def test_config_survives_json(self, make_config):
        config = make_config((8, 8, 1))
        assert VAEConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
