"""Convolutions to one channel, computed otherwise: what the layer computes, to rounding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vaemodels.layers import run_stack
from vaemodels.narrow import is_narrow, run_narrow
from vaemodels.noise import base_noise

KINDS = {"conv": keras.layers.Conv2D, "conv_transpose": keras.layers.Conv2DTranspose}


def images_of(*shape):
    return tf.constant(base_noise("normal", 0, shape[0], int(np.prod(shape[1:]))).reshape(shape))


def layer_of(kind="conv", shape=(9, 14, 16), filters=1, kernel=3, **options):
    layer = KINDS[kind](filters, kernel, **{"padding": "same", **options})
    layer.build((None, *shape))
    if layer.use_bias:
        layer.bias.assign([0.25] * filters)
    return layer


def results(run, layer, images):
    """Returns outputs and the slopes of their weighted sum for images and weights."""
    inputs = [images, *(weight.value for weight in layer.trainable_variables)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = run(images)
        total = tf.reduce_sum(outputs * images_of(*outputs.shape))
    return [outputs, *tape.gradient(total, inputs)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kernel", [1, 3, 5, (3, 7)])
@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"activation": "tanh"}])
def test_outputs_and_slopes_are_those_of_the_layer(kind, kernel, options):
    layer = layer_of(kind, kernel=kernel, **options)
    images = images_of(3, 9, 14, 16)
    assert is_narrow(layer, images)
    expected = results(layer, layer, images)
    found = results(lambda x: run_narrow(layer, x), layer, images)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6 * np.abs(theirs).max())


def test_any_number_of_images_in_a_compiled_function():
    layer = layer_of()
    run = tf.function(
        lambda x: run_narrow(layer, x),
        input_signature=[tf.TensorSpec((None, 9, 14, 16), tf.float32)],
    )
    for count in (1, 5):
        images = images_of(count, 9, 14, 16)
        np.testing.assert_allclose(run(images), layer(images), atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"filters": 2},
        {"strides": 2},
        {"padding": "valid"},
        {"kernel": 2},
        {"shape": (8, 8, 8)},
    ],
)
def test_other_layers_are_left_alone(options):
    shape = options.get("shape", (9, 14, 16))
    layer = layer_of(**options)
    assert not is_narrow(layer, images_of(2, *shape))
    assert not is_narrow(keras.layers.Dense(1), images_of(2, 2000))


def test_a_graph_of_layers_holds_the_layer():
    layer = layer_of()
    graph = keras.Model(inputs := keras.Input((9, 14, 16)), run_stack([layer], inputs, False))
    assert graph.layers[1] is layer
