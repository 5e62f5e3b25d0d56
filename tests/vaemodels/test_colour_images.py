"""Colour images of CIFAR-10's and CelebA's size, from files to generated images and their FID."""

import numpy as np
import pytest
from PIL import Image

from vaemodels import ConvConfig, HybridConfig, TrainingConfig, VAEConfig
from vaemodels.config.layers import (
    ConvLayer,
    ConvTransposeLayer,
    DenseLayer,
    ReshapeLayer,
    UpSampleLayer,
)
from vaemodels.data import load_dataset
from vaemodels.metrics.extractor import train_extractor, untrained_extractor
from vaemodels.metrics.image_quality import ImageQuality
from vaemodels.noise import base_noise
from vaemodels.training import Trainer

COLOURS = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200]])


def make_colour_images(side, num_images=90):
    """Returns images of three colours, uint8 (num_images, side, side, 3), and labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(num_images) % 3
    noise = rng.integers(-20, 21, (num_images, side, side, 3))
    return (COLOURS[labels][:, None, None] + noise).astype(np.uint8), labels


def write_npz(side, tmp_path):
    images, labels = make_colour_images(side)
    path = tmp_path / "colours.npz"
    np.savez(path, x_train=images[:72], y_train=labels[:72], x_test=images[72:], y_test=labels[72:])
    return str(path)


def write_folder(side, tmp_path):
    images, labels = make_colour_images(side)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = tmp_path / "colours" / f"class{label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.png")
    return str(tmp_path / "colours")


def conv_model(side):
    return VAEConfig((side, side, 3), 4, encoder=ConvConfig((4, 8)), decoder=ConvConfig((8, 4)))


def hybrid_model(side):
    encoder = HybridConfig((ConvLayer(4, stride=4), DenseLayer(16)))
    decoder = HybridConfig(
        (
            DenseLayer(side * side // 64 * 8),
            ReshapeLayer((side // 8, side // 8, 8)),
            ConvTransposeLayer(8, stride=4),
            UpSampleLayer(2),
            ConvLayer(3),
        )
    )
    return VAEConfig((side, side, 3), 4, encoder=encoder, decoder=decoder)


@pytest.mark.parametrize(
    ("side", "write", "model"),
    [(32, write_npz, conv_model), (64, write_folder, hybrid_model)],
    ids=["32x32 npz conv", "64x64 folder hybrid"],
)
def test_colour_images_train_generate_and_are_judged(side, write, model, tmp_path, monkeypatch):
    monkeypatch.setattr("vaemodels.metrics.classifier.num_epochs", lambda num_images: 2)
    dataset = load_dataset(write(side, tmp_path), tmp_path / "cache")
    assert dataset.image_shape == (side, side, 3)
    assert dataset.class_names in (("0", "1", "2"), ("class0", "class1", "class2"))
    trainer = Trainer(model(side), TrainingConfig(1, 10), dataset.train.images, dataset.scale)
    losses = trainer.run_epoch()
    assert all(np.isfinite(value) for value in losses.values())
    noise = base_noise("normal", 0, 20, trainer.latent_sampler().noise_width)
    images = trainer.generate(noise)
    assert images.shape == (20, side, side, 3)
    quality = ImageQuality(train_extractor(dataset), dataset.test, dataset.scale)
    figures = quality.measure(images)
    assert figures["fid"] > 0
    assert 0 <= figures["tvd"] <= 1


def test_colours_without_labels_are_refused_a_feature_extractor(tmp_path):
    images, _ = make_colour_images(32)
    np.savez(tmp_path / "plain.npz", images=images)
    dataset = load_dataset(str(tmp_path / "plain.npz"), tmp_path / "cache")
    assert dataset.num_classes is None
    with pytest.raises(ValueError, match=r"labels of at least 2 classes.*Name the folder"):
        train_extractor(dataset)
    with pytest.raises(ValueError, match="data set with labels"):
        untrained_extractor(dataset)
