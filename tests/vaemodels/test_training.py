import io
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from vaemodels.config import ConvConfig, DenseConfig, TrainingConfig, VAEConfig
from vaemodels.noise import base_noise
from vaemodels.training import Trainer, trainer
from vaemodels.training.compiled import pays_to_compile

IMAGES = (base_noise("uniform", 0, 50, 16) * 255).astype(np.uint8).reshape(50, 4, 4, 1)
# Everything with a state: dropout (random generators) and normalisation (moving averages).
CONFIG = VAEConfig(
    (4, 4, 1),
    2,
    beta=0.7,
    encoder=DenseConfig((9,), dropout=0.2, batch_norm=True),
    decoder=DenseConfig((9,)),
)
PLAIN = VAEConfig((4, 4, 1), 2, encoder=DenseConfig((9,)), decoder=DenseConfig((9,)))
AUTOENCODER = VAEConfig((4, 4, 1), 2, "ae", encoder=DenseConfig((9,)), decoder=DenseConfig((9,)))
TRAINING = TrainingConfig(epochs=5, batch_size=8, seed=3)


def make(config=CONFIG, training=TRAINING, images=IMAGES, **arguments):
    return Trainer(config, training, images, 255.0, **arguments)


def state_of(training):
    """Returns the saved bytes without what a clock decides."""
    training.train_seconds = 0.0
    file = io.BytesIO()
    training.save(file)
    return file.getvalue()


def weights_of(training):
    return [np.asarray(weight) for weight in training.vae.weights]


CONTINUE = """
import sys
from vaemodels.devices import single_thread
single_thread()
from tests.vaemodels.test_training import make, state_of
training = make()
with open(sys.argv[1], "rb") as file:
    training.restore(file)
while training.epoch < 5:
    training.run_epoch()
with open(sys.argv[2], "wb") as file:
    file.write(state_of(training))
"""


def test_five_epochs_are_two_then_a_new_process_then_three(tmp_path):
    whole = make()
    results = [whole.run_epoch() for _ in range(2)]
    (tmp_path / "two").write_bytes(state_of(whole))
    results += [whole.run_epoch() for _ in range(3)]
    paths = [str(tmp_path / name) for name in ("two", "five")]
    subprocess.run([sys.executable, "-c", CONTINUE, *paths], check=True)
    assert (tmp_path / "five").read_bytes() == state_of(whole)
    assert all(np.isfinite(value) for result in results for value in result.values())


@pytest.mark.parametrize("config", [CONFIG, AUTOENCODER], ids=["vae", "ae"])
def test_a_stop_within_an_epoch_loses_and_changes_nothing(config, monkeypatch):
    whole = make(config)
    expected = [whole.run_epoch() for _ in range(2)]
    monkeypatch.setattr(trainer, "_CHUNK_SECONDS", 1e-9)  # a chunk is one step
    asked = iter([False, False, False, True] + [False] * 100)
    first = make(config, should_stop=lambda: next(asked))
    assert first.run_epoch() is None
    assert first.epoch == 0
    second = make(config)
    second.restore(io.BytesIO(state_of(first)))
    assert [second.run_epoch() for _ in range(2)] == expected
    assert [first.run_epoch() for _ in range(2)] == expected  # and without leaving the process
    assert state_of(second) == state_of(first) == state_of(whole)


@pytest.mark.parametrize("config", [CONFIG, AUTOENCODER], ids=["vae", "ae"])
def test_eager_and_compiled_training_agree(config):
    compiled, eager = make(config), make(config)
    expected = compiled.run_epoch()
    tf.config.run_functions_eagerly(True)
    try:
        assert eager.run_epoch() == pytest.approx(expected, rel=1e-5)
    finally:
        tf.config.run_functions_eagerly(False)
    for a, b in zip(weights_of(compiled), weights_of(eager), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_xla_agrees_and_is_kept_by_a_restore():
    plain, fast = make(PLAIN), make(PLAIN)
    fast._jit = True
    assert fast.run_epoch() == pytest.approx(plain.run_epoch(), rel=1e-4)
    for a, b in zip(weights_of(plain), weights_of(fast), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    plain.restore(io.BytesIO(state_of(fast)))
    assert plain.run_epoch() == fast.run_epoch()
    assert state_of(plain) == state_of(fast)


def test_xla_is_for_long_trainings_of_small_plain_dense_models():
    assert pays_to_compile(PLAIN, 10_000)
    assert not pays_to_compile(PLAIN, 9_999)
    assert not pays_to_compile(CONFIG, 10**6)  # dropout
    assert not pays_to_compile(VAEConfig((4, 4, 1), 2, decoder=ConvConfig()), 10**6)
    assert pays_to_compile(VAEConfig((28, 28, 1), 2), 10**6)
    wide = DenseConfig((512, 512))
    assert not pays_to_compile(VAEConfig((28, 28, 1), 2, encoder=wide), 10**6)


def test_the_fused_optimizer_is_keras_adam():
    import keras

    from vaemodels.training.adam import Adam

    start = base_noise("normal", 0, 4, 3)
    ours, theirs = keras.Variable(start), keras.Variable(start)
    fused, original = Adam([ours]), keras.optimizers.Adam(0.01)
    for step in range(1, 6):
        gradient = tf.constant(base_noise("normal", step, 4, 3))
        fused.apply([gradient], tf.constant(step), tf.constant(0.01))
        original.apply([gradient], [theirs])
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_training_lowers_the_loss(likelihood):
    config = VAEConfig((4, 4, 1), 2, likelihood=likelihood, encoder=DenseConfig((9,)))
    training = make(config, TrainingConfig(epochs=20, batch_size=10, learning_rate=0.01))
    results = [training.run_epoch()["loss"] for _ in range(20)]
    assert results[-1] < results[0] - 0.1


def test_convolutions_train():
    config = VAEConfig((4, 4, 1), 2, encoder=ConvConfig((3,)), decoder=ConvConfig((3,)))
    training = make(config, TrainingConfig(epochs=1, batch_size=100))  # lowered to 50 images
    assert np.isfinite(training.run_epoch()["loss"])


def test_evaluation_counts_every_image_and_repeats():
    training = make()
    many = np.concatenate([IMAGES] * 11)  # 550: a full batch and a part of one
    first = training.evaluate(many, 255.0)
    assert first == training.evaluate(many, 255.0)
    assert first == pytest.approx(training.evaluate(many / np.float32(255), 1.0), rel=1e-5)
    assert set(first) == {"loss", "reconstruction_loss", "kl_loss", "beta_kl_loss", "elbo"}
    exact = make(AUTOENCODER)
    terms = exact.vae.losses(many / np.float32(255), np.zeros((550, 0), "float32"), 1.0)
    assert exact.evaluate(many, 255.0)["loss"] == pytest.approx(float(terms["loss"]), rel=1e-5)


@pytest.mark.parametrize("config", [CONFIG, AUTOENCODER], ids=["vae", "ae"])
def test_generated_images_do_not_depend_on_how_many(config):
    training = make(config)
    noise = base_noise("normal", 0, 700, 2)
    images = training.generate(noise)
    assert images.shape == (700, 4, 4, 1)
    assert images.dtype == np.float32
    np.testing.assert_array_equal(training.generate(noise[:3]), images[:3])
    if config is CONFIG:
        np.testing.assert_allclose(images, training.vae.decode(noise), atol=1e-6)


def test_memory_mapped_images_train_alike(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = make(images=np.load(tmp_path / "images.npy", mmap_mode="r"))
    assert mapped.run_epoch() == make().run_epoch()


@pytest.mark.parametrize(
    ("config", "training", "message"),
    [
        (PLAIN, TRAINING, r"Expected config\.beta=1\.0\. Received: config\.beta=0\.7\."),
        (CONFIG, TrainingConfig(5, 9, seed=3), r"training\.batch_size=9"),
        (CONFIG, TrainingConfig(5, 8, seed=4), r"training\.seed=4"),
    ],
)
def test_a_state_of_another_training_is_refused(config, training, message):
    state = state_of(make())
    with pytest.raises(ValueError, match=message):
        make(config, training).restore(io.BytesIO(state))


def test_a_state_may_be_continued_under_a_larger_budget():
    training = make(training=TrainingConfig(epochs=50, batch_size=8, seed=3))
    training.restore(io.BytesIO(state_of(make())))
    assert training.epoch == 0


def test_train_seconds_add_up_over_a_restore():
    first = make()
    first.run_epoch()
    seconds = first.train_seconds
    file = io.BytesIO()
    first.save(file)
    second = make()
    second.restore(io.BytesIO(file.getvalue()))
    assert second.train_seconds == seconds > 0
    second.run_epoch()
    assert second.train_seconds > seconds


def test_a_file_that_is_no_state_is_refused():
    file = io.BytesIO()
    np.savez(file, other=np.zeros(3))
    with pytest.raises(ValueError, match=r"Expected an array `header`"):
        make().restore(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize(
    ("images", "scale", "message"),
    [
        (IMAGES.astype(np.float64), 1.0, "Received: float64 of shape"),
        (IMAGES[:, :3], 255.0, r"of shape \(num_images, 4, 4, 1\)"),
        (IMAGES[:0], 255.0, "Expected at least 1 image"),
        (IMAGES, 0.0, "`scale`. Expected a finite number > 0"),
    ],
)
def test_images_that_do_not_fit_are_refused(images, scale, message):
    with pytest.raises(ValueError, match=message):
        Trainer(CONFIG, TRAINING, images, scale)
    with pytest.raises(ValueError, match=message):
        make().evaluate(images, scale)


def test_noise_of_a_wrong_width_is_refused():
    with pytest.raises(ValueError, match=r"Expected shape \(num_samples, 2\)"):
        make().generate(np.zeros((5, 3), "float32"))
