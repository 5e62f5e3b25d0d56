"""Which classifier serves as the feature extractor of which image shape.

Change anything here or in the training and `RECIPE_VERSION` must change: values of different
extractors are never compared.
"""

import math
from dataclasses import dataclass
from typing import Any, final

import keras

RECIPE_VERSION = 1
NUM_FEATURES = 64
DROPOUT = 0.5
BATCH_SIZE = 32
LEARNING_RATE = 1e-3


@final
@dataclass(frozen=True)
class Recipe:
    """A stack of 3x3 convolutions, each halved by max pooling, then Dense 64 and a classifier.

    Attributes:
        name: Short name.
        filters: Number of filters of each convolution.
        padding: `valid` or `same`.
    """

    name: str
    filters: tuple[int, ...]
    padding: str


def recipe_for(image_shape: tuple[int, int, int]) -> Recipe:
    """Returns the recipe of an image shape `(height, width, channels)`.

    28x28: the tfVAE thesis' network, with 56,714 parameters for grey images and 10 classes.
    Up to 16x16: two padded convolutions, since unpadded ones would leave nothing. Any other
    shape: the thesis' idea, padded, with as many halvings as bring the longer side to 7 pixels or
    fewer and filters doubling from 16 up to 128.
    """
    height, width, _ = image_shape
    if (height, width) == (28, 28):
        return Recipe("thesis", (16, 32), "valid")
    longest = max(height, width)
    if longest <= 16:
        return Recipe("small", (32, 64), "same")
    num_halvings = max(2, math.ceil(math.log2(longest / 7.0)))
    filters = tuple(min(16 * 2**level, 128) for level in range(num_halvings))
    return Recipe("general", filters, "same")


def side_in_use(recipe: Recipe, side: int) -> int:
    """Returns how many pixels of a side the features depend on.

    Where nothing is padded, each halving drops the last pixel of an odd side, and with it what lay
    before: of 28 pixels 26 are in use.
    """
    if recipe.padding == "same":
        return side
    sizes = [side]
    for _ in recipe.filters:
        sizes.append((sizes[-1] - 2) // 2)
    in_use = sizes[-1]
    for _ in recipe.filters:
        in_use = 2 * in_use + 2
    return in_use


def num_epochs(num_images: int) -> int:
    """Returns how often the training images are shown: 65,000 images in all, but 10 to 60 times.

    That is 60 for the 1,078 digits and the thesis' 10 for MNIST.
    """
    return min(max(65_000 // num_images, 10), 60)


def build_network(
    recipe: Recipe, image_shape: tuple[int, int, int], num_classes: int, seed: int
) -> tuple[Any, Any]:
    """Returns `(trunk, head)`, built: images -> 64 features -> logits of the classes.

    Dropout sits between the two and is the trainer's business, so that a network in use has no
    random part at all.
    """
    # `keras.initializers` share no seed: equal seeds would make layers of one shape equal.
    seeds = iter(range(1000 * seed, 1000 * seed + 1000))

    def initializer() -> Any:
        return keras.initializers.GlorotUniform(seed=next(seeds))

    layers: list[Any] = [keras.Input(image_shape)]
    for filters in recipe.filters:
        layers += [
            keras.layers.Conv2D(
                filters,
                3,
                padding=recipe.padding,
                activation="relu",
                kernel_initializer=initializer(),
                dtype="float32",
            ),
            keras.layers.MaxPooling2D(2, padding=recipe.padding, dtype="float32"),
        ]
    layers += [
        keras.layers.Flatten(dtype="float32"),
        keras.layers.Dense(
            NUM_FEATURES, activation="relu", kernel_initializer=initializer(), dtype="float32"
        ),
    ]
    trunk = keras.Sequential(layers)
    head = keras.Sequential(
        [
            keras.Input((NUM_FEATURES,)),
            keras.layers.Dense(num_classes, kernel_initializer=initializer(), dtype="float32"),
        ]
    )
    return trunk, head
