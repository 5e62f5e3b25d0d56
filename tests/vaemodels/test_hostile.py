"""What cannot be learnt from, or built, is refused with a `ValueError` that says why."""

import numpy as np
import pytest

from vaemodels import (
    ConvConfig,
    DenseConfig,
    HybridConfig,
    Trainer,
    TrainingConfig,
    VAEConfig,
    build,
)
from vaemodels.data import load_dataset
from vaemodels.metrics.extractor import train_extractor
from vaemodels.metrics.tvd import class_frequencies
from vaemodels.noise import base_noise

IMAGES = base_noise("uniform", 0, 30, 64).reshape(30, 8, 8, 1)
MODEL = VAEConfig((8, 8, 1), 2, encoder=DenseConfig((6,)), decoder=DenseConfig((6,)))


def train(images):
    return Trainer(MODEL, TrainingConfig(1), images)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_images_that_are_no_numbers(value):
    images = IMAGES.copy()
    images[17, 3, 3] = value
    with pytest.raises(ValueError, match="NaN or infinity in images 0 to 29"):
        train(images)


def test_one_image():
    with pytest.raises(ValueError, match="at least 2 images to train on"):
        train(IMAGES[:1])


def test_zero_classes(tmp_path):
    np.save(tmp_path / "images.npy", (IMAGES * 255).astype("uint8"))
    dataset = load_dataset(str(tmp_path / "images.npy"), tmp_path / "cache")
    with pytest.raises(ValueError, match="labels of at least 2 classes"):
        train_extractor(dataset)
    with pytest.raises(ValueError, match="Invalid value for `classes`"):
        class_frequencies(np.zeros(5, int), 0)


def test_a_latent_vector_of_no_length():
    with pytest.raises(ValueError, match=r"`latent_dim`\. Expected an integer >= 1"):
        VAEConfig((8, 8, 1), 0)


def test_a_negative_width():
    with pytest.raises(ValueError, match=r"`widths`\. Expected a tuple of integers >= 1"):
        DenseConfig((-3,))


@pytest.mark.parametrize(
    "encoder",
    [
        ConvConfig((4, 4, 4), kernel_sizes=(3,), strides=(2,), padding="valid"),
        HybridConfig(({"layer": "conv", "filters": 4, "stride": 16},)),
    ],
    ids=["conv", "hybrid"],
)
def test_an_image_smaller_than_the_strides(encoder):
    with pytest.raises(ValueError, match=r"(?i)layer"):
        build(VAEConfig((8, 8, 1), 2, encoder=encoder))
