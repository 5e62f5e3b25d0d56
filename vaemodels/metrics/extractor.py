"""The frozen feature extractor of a data set: one small classifier, identified by its hash.

It is not Inception: its FID compares with nothing but values of the same hash and image count.
It always computes on the CPU, in float32 and in batches of one size, so that a value depends
neither on the device of the worker nor on how many images are asked for at once.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from vaemodels.checks import check_at_least
from vaemodels.data import Dataset
from vaemodels.data.publish import published_folder
from vaemodels.metrics.classifier import train_classifier
from vaemodels.metrics.pooled import can_pool_at_once, pooled_convolution
from vaemodels.metrics.recipes import (
    NUM_FEATURES,
    RECIPE_VERSION,
    build_network,
    recipe_for,
    side_in_use,
)

_BATCH_SIZE = 250
_FORMAT = 1


@final
class Extractor:
    """Images to 64 features and a predicted class.

    Attributes:
        hash: SHA-256 (hex) over the weights, the recipe and the shapes.
        image_shape: `(height, width, channels)`.
        num_features: 64.
        num_classes: Integer >= 2.
        test_accuracy: Share of the data set's test images that it classifies rightly, in [0, 1].
        data_hash: Hash of the data set it was trained on.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_classes: int,
        weights: list[NDArray[np.float32]],
        test_accuracy: float,
        data_hash: str,
    ):
        """Use `train_extractor` or `Extractor.load`.

        Raises:
            ValueError: If the weights do not fit the recipe of the image shape.
        """
        self.image_shape = image_shape
        self.num_features = NUM_FEATURES
        self.num_classes = num_classes
        self.test_accuracy = test_accuracy
        self.data_hash = data_hash
        self.hash = _hash(image_shape, num_classes, weights)
        self._weights = weights
        with tf.device("/CPU:0"):
            trunk, head = build_network(recipe_for(image_shape), image_shape, num_classes, seed=0)
            num_trunk = len(trunk.weights)
            trunk.set_weights(weights[:num_trunk])
            head.set_weights(weights[num_trunk:])
        signature = tf.TensorSpec((_BATCH_SIZE, *image_shape), tf.float32)

        def forward(images: Any) -> tuple[Any, Any]:
            with tf.device("/CPU:0"):
                features = _run_trunk(trunk, images)
                return features, tf.argmax(head(features, training=False), axis=-1)

        self._forward = tf.function(
            forward, input_signature=[signature], jit_compile=False, autograph=False
        )

    def features(self, images: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Returns the features and the predicted class of every image.

        Args:
            images: `(num_images >= 1, height, width, channels)` float32 in [0, 1].

        Returns:
            `(num_images, 64)` float32, and `(num_images,)` int64.

        Raises:
            ValueError: If the shape is another or a pixel is NaN or outside [0, 1].
        """
        if images.shape[1:] != self.image_shape or len(images) < 1:
            raise ValueError(
                "Invalid shape for `images`. Expected (num_images >= 1, "
                f"{', '.join(str(size) for size in self.image_shape)}). Received: {images.shape}."
            )
        # Written so that NaN fails as well.
        if not (images.min() >= 0.0 and images.max() <= 1.0):
            raise ValueError(
                "Invalid value for `images`. Expected floats in [0, 1]. Received: values from "
                f"{images.min():g} to {images.max():g}; did training diverge?"
            )
        num_images = len(images)
        features = np.empty((num_images, NUM_FEATURES), np.float32)
        classes = np.empty(num_images, np.int64)
        for start in range(0, num_images, _BATCH_SIZE):
            batch = images[start : start + _BATCH_SIZE].astype(np.float32, copy=False)
            size = len(batch)
            if size < _BATCH_SIZE:
                padding = np.zeros((_BATCH_SIZE - size, *self.image_shape), np.float32)
                batch = np.concatenate([batch, padding])
            with tf.device("/CPU:0"):  # else the batch goes to a GPU and back
                batch_features, batch_classes = self._forward(tf.constant(batch))
            features[start : start + size] = batch_features.numpy()[:size]
            classes[start : start + size] = batch_classes.numpy()[:size]
        return features, classes

    def save(self, folder: Path) -> None:
        """Writes `extractor.npz` and `extractor.json` to a folder that appears whole.

        Raises:
            ValueError: If the folder holds another extractor.
        """
        folder = Path(folder)
        with published_folder(folder) as temporary:
            arrays: dict[str, Any] = {
                f"weight_{number}": weight for number, weight in enumerate(self._weights)
            }
            np.savez(temporary / "extractor.npz", **arrays)
            text = json.dumps(self._description(), indent=1)
            (temporary / "extractor.json").write_text(text + "\n", encoding="utf-8")
        if (stored := Extractor.load(folder).hash) != self.hash:
            raise ValueError(
                f"Invalid value for `folder`. Expected {folder} to be new or to hold this "
                f"extractor, {self.hash[:12]}. Received: one that holds {stored[:12]}."
            )

    @classmethod
    def load(cls, folder: Path) -> "Extractor":
        """Returns an extractor that `save` wrote, after checking the hash of its weights.

        Raises:
            FileNotFoundError: If the folder has no extractor.
            ValueError: If a file is damaged or belongs to another version of the recipe.
        """
        description_file = Path(folder) / "extractor.json"
        if not description_file.is_file():
            raise FileNotFoundError(f"There is no extractor in {folder}: no {description_file}.")
        try:
            description = json.loads(description_file.read_text(encoding="utf-8"))
            with np.load(Path(folder) / "extractor.npz", allow_pickle=False) as arrays:
                weights = [arrays[f"weight_{number}"] for number in range(len(arrays.files))]
            version, expected = description["recipe_version"], description["hash"]
            height, width, channels = description["image_shape"]
            arguments = (description["num_classes"], weights, description["test_accuracy"])
            data_hash = description["data_hash"]
        except (OSError, EOFError, ValueError, KeyError) as error:
            raise ValueError(f"Invalid extractor in {folder}. Received: {error!r}.") from error
        if version != RECIPE_VERSION:
            raise ValueError(
                f"Invalid extractor in {folder}. Expected recipe version {RECIPE_VERSION}. "
                f"Received: {version}. Train it again."
            )
        if _hash((height, width, channels), arguments[0], weights) != expected:
            raise ValueError(
                f"Invalid extractor in {folder}. Expected weights with the hash {expected[:12]} of "
                "extractor.json. Received: others; the files are damaged or were mixed up."
            )
        return cls((height, width, channels), *arguments, data_hash)

    def _description(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "recipe_version": RECIPE_VERSION,
            "recipe": recipe_for(self.image_shape).name,
            "image_shape": list(self.image_shape),
            "num_classes": self.num_classes,
            "num_features": self.num_features,
            "test_accuracy": self.test_accuracy,
            "data_hash": self.data_hash,
            "hash": self.hash,
        }


def train_extractor(
    dataset: Dataset, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> Extractor:
    """Returns an extractor trained on a data set's training images. Train one per data set, once.

    Args:
        dataset: With labels of at least 2 classes.
        seed: Integer >= 0; on one thread of one machine the same seed gives the same extractor.
        progress: Called after every epoch with the finished and the total number of epochs.

    Raises:
        ValueError: If the data set has no labels or the seed is negative.
    """
    if dataset.num_classes is None or dataset.num_classes < 2:
        raise ValueError(
            f"Invalid value for `dataset`. Expected labels of at least 2 classes to train a "
            f"feature extractor. Received: {dataset.name!r} with {dataset.num_classes}. Name the "
            "folder of a trained extractor instead."
        )
    check_at_least(0, seed=seed)
    weights = train_classifier(dataset, dataset.num_classes, seed, progress)
    extractor = Extractor(dataset.image_shape, dataset.num_classes, weights, 0.0, dataset.hash)
    test = dataset.test
    right = 0
    for start in range(0, len(test.images), 10_000):  # a split may be larger than the memory
        images = test.images[start : start + 10_000].astype(np.float32) / np.float32(dataset.scale)
        labels = np.asarray(test.labels)[start : start + 10_000]
        right += int((extractor.features(images)[1] == labels).sum())
    extractor.test_accuracy = right / len(test.images)
    return extractor


def untrained_extractor(dataset: Dataset) -> Extractor:
    """Returns an extractor with random weights, which costs what a trained one costs: for timing.

    Raises:
        ValueError: If the data set has no labels.
    """
    if dataset.num_classes is None:
        raise ValueError(f"Expected a data set with labels. Received: {dataset.name!r}.")
    shape, num_classes = dataset.image_shape, dataset.num_classes
    trunk, head = build_network(recipe_for(shape), shape, num_classes, seed=0)
    weights = [np.asarray(weight) for weight in (*trunk.weights, *head.weights)]
    return Extractor(shape, num_classes, weights, 0.0, dataset.hash)


def _run_trunk(trunk: Any, images: Any) -> Any:
    """Returns what the trunk makes of images: the same from fewer pixels and in fewer passes."""
    shape = images.shape[1:]
    height, width = (side_in_use(recipe_for(shape), side) for side in shape[:2])
    x = images[:, :height, :width]
    layers = trunk.layers
    if can_pool_at_once(*layers[:2]):
        x, layers = pooled_convolution(layers[0], x), layers[2:]
    for layer in layers:
        x = layer(x)
    return x


def _hash(
    image_shape: tuple[int, int, int], num_classes: int, weights: list[NDArray[np.float32]]
) -> str:
    recipe = recipe_for(image_shape)
    head = [RECIPE_VERSION, recipe.name, list(image_shape), num_classes]
    digest = hashlib.sha256(json.dumps(head).encode())
    for weight in weights:
        digest.update(json.dumps([list(weight.shape), str(weight.dtype)]).encode())
        digest.update(weight.astype("<f4").tobytes())
    return digest.hexdigest()
