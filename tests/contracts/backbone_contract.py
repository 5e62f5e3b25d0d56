"""What every pair of encoder and decoder must do. Provide `encoder` and `decoder` configs."""

import numpy as np
import pytest

from vaemodels.build import build_vae
from vaemodels.config import VAEConfig
from vaemodels.noise import base_noise
from vaemodels.sizes import count_parameters


def images_of(shape, count=3):
    """Returns fixed images in (0, 1)."""
    return base_noise("uniform", 0, count, int(np.prod(shape))).reshape(count, *shape)


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
        vae = build_vae(make_config(shape))
        images = images_of(shape)
        assert vae.encode(images).shape == (3, 3)
        assert vae.reconstruct(images).shape == images.shape
        assert vae.num_parameters == count_parameters(make_config(shape))

    def test_same_seed_same_weights(self, make_config):
        first, second, other = (build_vae(make_config((8, 8, 1)), seed) for seed in (3, 3, 4))
        for a, b in zip(first.weights, second.weights, strict=True):
            np.testing.assert_array_equal(a, b)
        assert not np.array_equal(first.weights[0], other.weights[0])

    def test_outside_training_it_is_deterministic(self, make_config):
        vae = build_vae(make_config((8, 8, 1)))
        images = images_of((8, 8, 1))
        np.testing.assert_array_equal(vae.reconstruct(images), vae.reconstruct(images))

    def test_config_survives_json(self, make_config):
        config = make_config((8, 8, 1))
        assert VAEConfig.from_json(config.to_json()) == config
