"""What an extractor saves changes nothing: convolutions pooled at once, pixels out of use."""

import numpy as np
import pytest
import tensorflow as tf

from vaemodels.metrics.extractor import Extractor
from vaemodels.metrics.pooled import can_pool_at_once, pooled_convolution
from vaemodels.metrics.recipes import build_network, recipe_for, side_in_use


def first_layers(shape):
    """The first two layers of the recipe of a shape, with biases."""
    trunk, _ = build_network(recipe_for(shape), shape, num_classes=2, seed=0)
    convolution, pooling = trunk.layers[:2]
    convolution.bias.assign(np.linspace(-0.5, 0.5, convolution.filters))
    return convolution, pooling


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (6, 10, 1), (32, 40, 1)])
def test_it_is_the_convolution_and_then_the_pooling(shape):
    convolution, pooling = first_layers(shape)
    images = np.random.default_rng(0).random((3, *shape), dtype=np.float32)
    assert can_pool_at_once(convolution, pooling)
    expected = np.asarray(pooling(convolution(images)))
    found = np.asarray(pooled_convolution(convolution, tf.constant(images)))
    assert found.shape == expected.shape
    assert (expected == 0).any()
    assert (expected > 0).any()
    assert np.allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(28, 28, 3), (7, 8, 1), (8, 7, 1), (64, 33, 1)])
def test_colours_and_windows_over_the_edge_are_left_to_the_layers(shape):
    assert not can_pool_at_once(*first_layers(shape))


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 28, 3), (8, 8, 1), (33, 40, 3)])
def test_an_extractor_gives_what_its_layers_give(shape):
    trunk, head = build_network(recipe_for(shape), shape, num_classes=10, seed=3)
    weights = [np.asarray(weight) for weight in (*trunk.weights, *head.weights)]
    images = np.random.default_rng(0).random((300, *shape), dtype=np.float32)
    features, classes = Extractor(shape, 10, weights, 0.0, "data").features(images)
    expected = np.asarray(trunk(images))
    assert np.allclose(features, expected, rtol=0, atol=1e-5)
    assert (classes == np.asarray(head(expected)).argmax(axis=1)).mean() > 0.99  # but for ties


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (33, 40, 3)])
def test_the_features_depend_on_the_pixels_in_use_and_on_no_others(shape):
    trunk, _ = build_network(recipe_for(shape), shape, num_classes=2, seed=0)
    images = tf.constant(np.random.default_rng(0).random((64, *shape), dtype=np.float32))
    with tf.GradientTape() as tape:
        tape.watch(images)
        features = trunk(images)
    matters = (np.asarray(tape.gradient(features, images)) != 0).any(axis=(0, 3))
    in_use = [side_in_use(recipe_for(shape), side) for side in shape[:2]]
    assert [1 + int(np.flatnonzero(matters.any(axis=axis))[-1]) for axis in (1, 0)] == in_use
