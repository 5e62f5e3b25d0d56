"""What changes from step to step and from epoch to epoch: order, noise, beta."""

import numpy as np
import pytest

from vaemodels import Trainer, TrainingConfig, VAEConfig
from vaemodels.config import DenseConfig
from vaemodels.noise import base_noise
from vaemodels.training.batches import EpochBatches

IMAGES = (base_noise("uniform", 0, 50, 16) * 255).astype(np.uint8).reshape(50, 4, 4, 1)
PLAIN = VAEConfig((4, 4, 1), 2, encoder=DenseConfig((9,)), decoder=DenseConfig((9,)))


def epoch_of(number, **settings):
    """Returns the images and the noise of the 10 steps of an epoch."""
    training = TrainingConfig(epochs=9, seed=1, **settings)
    shapes = {"batch_size": 5, "noise_kind": "normal", "noise_width": 2}
    return EpochBatches(IMAGES, training, epoch=number, **shapes).take(10)


def test_noise_and_order_are_fresh_in_every_epoch_and_step():
    blocks, noises = zip(epoch_of(0), epoch_of(1), strict=True)
    assert len({noise.tobytes() for pair in noises for noise in pair}) == 20
    assert not np.array_equal(*blocks)
    everything = sorted(image.tobytes() for image in blocks[0].reshape(50, 16))
    assert everything == sorted(image.tobytes() for image in IMAGES)  # each image once


def test_file_order_is_that_of_the_file():
    block, _ = epoch_of(3, order="file")
    np.testing.assert_array_equal(block.reshape(IMAGES.shape), IMAGES)


def test_constant_noise_is_one_draw_for_all_images_steps_and_epochs():
    noises = [epoch_of(number, noise="constant")[1] for number in (0, 7)]
    assert np.ptp(np.concatenate(noises), axis=(0, 1)).tolist() == [0, 0]
    assert noises[0].any()


def betas(training):
    trainer = Trainer(PLAIN, training, IMAGES, 255.0)
    return trainer, [trainer.run_epoch() for _ in range(training.epochs)]


def test_beta_warms_up_over_whole_epochs():
    _, results = betas(TrainingConfig(epochs=5, batch_size=25, beta_warmup_epochs=4))
    assert [result["beta"] for result in results] == [0.25, 0.5, 0.75, 1.0, 1.0]
    for result in results:
        assert result["beta_kl_loss"] == pytest.approx(result["beta"] * result["kl_loss"])
        total = result["reconstruction_loss"] + result["beta_kl_loss"]
        assert result["loss"] == pytest.approx(total, rel=1e-5)


def test_beta_rises_and_stays_in_every_cycle():
    _, results = betas(TrainingConfig(epochs=8, batch_size=25, beta_cycle_epochs=4))
    assert [result["beta"] for result in results] == [0.5, 1.0, 1.0, 1.0] * 2


def test_a_cycle_and_a_warm_up_are_refused_together():
    with pytest.raises(ValueError, match=r"`beta_cycle_epochs`.*set one of the two"):
        TrainingConfig(5, beta_warmup_epochs=2, beta_cycle_epochs=4)


@pytest.mark.parametrize("setting", [{"noise": "same"}, {"order": "random"}])
def test_unknown_ways_to_train_are_refused(setting):
    with pytest.raises(ValueError, match=f"`{next(iter(setting))}`. Expected one of"):
        TrainingConfig(5, **setting)
