"""Binarised images: drawn once, with the grey values as probabilities."""

import numpy as np
import pytest

from tests.idx_files import write_idx
from vaemodels import TrainingConfig, VAEConfig
from vaemodels.config import DenseConfig
from vaemodels.data import load_dataset
from vaemodels.data.binarised import binarised
from vaemodels.data.load import read_source
from vaemodels.data.source import Source
from vaemodels.metrics.log_likelihood import log_likelihood
from vaemodels.training import Trainer


def grey(value, num_images=50):
    images = np.full((num_images, 20, 20, 1), value, np.uint8)
    return Source("grey", images, 255.0, None, ())


@pytest.mark.parametrize("value", [0, 64, 128, 255])
def test_a_pixel_is_1_as_often_as_its_grey_value_says(value):
    images = binarised(grey(value)).images
    share = value / 255
    spread = np.sqrt(share * (1 - share) / images.size)
    assert abs(images.mean() - share) <= 4 * spread
    assert set(np.unique(images)) <= {0, 1}


def test_the_same_images_come_out_every_time_and_however_many_follow():
    many, few = binarised(grey(100, 3000)).images, binarised(grey(100, 2500)).images
    np.testing.assert_array_equal(many[:2500], few)
    assert (many[:1000] != many[1000:2000]).any()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_idx(tmp_path_factory.mktemp("images"), num_train=300, num_test=60)


def test_it_is_reached_by_name_and_keeps_labels_and_split(folder, tmp_path):
    dataset = load_dataset("binarised-mnist", tmp_path, folder)
    original = load_dataset("mnist", tmp_path, folder)
    assert (dataset.name, dataset.scale) == ("binarised-mnist", 1.0)
    assert dataset.hash != original.hash
    assert dataset.hash == load_dataset("binarised-mnist", tmp_path, folder).hash
    np.testing.assert_array_equal(dataset.test.labels, original.test.labels)
    np.testing.assert_array_equal(
        dataset.test.images, binarised(read_source("mnist", folder)).images[300:]
    )


def test_a_model_has_a_log_likelihood_on_it_that_is_one_of_bits(folder, tmp_path):
    dataset = load_dataset("binarised-mnist", tmp_path, folder)
    halves = {"encoder": DenseConfig((32,)), "decoder": DenseConfig((32,))}
    config = VAEConfig(dataset.image_shape, 2, **halves)
    trainer = Trainer(config, TrainingConfig(3, 20), dataset.train.images, dataset.scale)
    for _ in range(3):
        trainer.run_epoch()
    test = dataset.test.images.astype(np.float32)
    elbo = trainer.evaluate(dataset.test.images, dataset.scale)["elbo"]
    likelihood = log_likelihood(trainer.vae, test, num_samples=20)
    assert elbo - 1 < likelihood.value < 0
    assert likelihood.value > -784 * np.log(2)  # better than a fair coin for every pixel


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(FileNotFoundError, match="binarised-mnist, binarised-fashion-mnist"):
        load_dataset("binarised-cifar", tmp_path)
