"""Training of the classifier behind the feature extractor: a compiled loop over host blocks."""

from collections.abc import Callable
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from vaemodels.data import Dataset
from vaemodels.metrics.recipes import (
    BATCH_SIZE,
    DROPOUT,
    LEARNING_RATE,
    NUM_FEATURES,
    build_network,
    num_epochs,
    recipe_for,
)

_STEPS_PER_BLOCK = 256


def train_classifier(
    dataset: Dataset,
    num_classes: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[NDArray[np.float32]]:
    """Returns the trained weights of trunk and head, in the order of `build_network`.

    Adam at 1e-3, batches of 32 (of all images if there are fewer), dropout of 0.5 before the
    classifier; order of the images and dropout come from NumPy, keyed by seed and epoch. The last
    images of an epoch that do not fill a batch are left out of that epoch.
    """
    images, labels = dataset.train.images, np.asarray(dataset.train.labels)
    batch_size = min(BATCH_SIZE, len(images))
    num_steps = len(images) // batch_size
    epochs = num_epochs(len(images))
    with tf.device("/CPU:0"):
        trunk, head = build_network(
            recipe_for(dataset.image_shape), dataset.image_shape, num_classes, seed
        )
        run_block = _compile(trunk, head, images.dtype, dataset.scale, batch_size)
        for epoch in range(epochs):
            rng = np.random.Generator(np.random.Philox(key=[seed, epoch]))
            order = rng.permutation(len(images))[: num_steps * batch_size]
            for start in range(0, num_steps, _STEPS_PER_BLOCK):
                rows = order[start * batch_size : (start + _STEPS_PER_BLOCK) * batch_size]
                kept = rng.random((len(rows), NUM_FEATURES), np.float32) >= DROPOUT
                shape = (-1, batch_size)
                run_block(
                    tf.constant(images[rows].reshape(*shape, *dataset.image_shape)),
                    tf.constant(labels[rows].reshape(shape)),
                    tf.constant(kept.reshape(*shape, NUM_FEATURES)),
                )
            if progress is not None:
                progress(epoch + 1, epochs)
    return [np.array(weight, np.float32) for weight in trunk.get_weights() + head.get_weights()]


def _compile(
    trunk: Any, head: Any, dtype: np.dtype[Any], scale: float, batch_size: int
) -> Callable[[Any, Any, Any], Any]:
    """A function that takes one optimiser step per batch of a block of any number of batches."""
    variables = trunk.trainable_variables + head.trainable_variables
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(variables)
    values = [variable.value for variable in variables]
    signature = [
        tf.TensorSpec((None, batch_size, *trunk.input_shape[1:]), dtype),
        tf.TensorSpec((None, batch_size), tf.int64),
        tf.TensorSpec((None, batch_size, NUM_FEATURES), tf.bool),
    ]

    def run_block(images: Any, labels: Any, kept: Any) -> None:
        for step in tf.range(tf.shape(images)[0]):
            with tf.GradientTape() as tape:
                features = trunk(tf.cast(images[step], tf.float32) / scale, training=True)
                features *= tf.cast(kept[step], tf.float32) / (1.0 - DROPOUT)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                    labels[step], head(features, training=True)
                )
                loss = tf.reduce_mean(losses)
            optimizer.apply(tape.gradient(loss, values), variables)

    # XLA slows convolutions down on a CPU, by ten times.
    return cast(
        Callable[[Any, Any, Any], Any],
        tf.function(run_block, input_signature=signature, jit_compile=False),
    )
