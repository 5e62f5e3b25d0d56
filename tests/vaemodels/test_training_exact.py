"""What a training computes, against NumPy by hand, and with one thread against two."""

import subprocess
import sys

import numpy as np
import pytest

from tests.vaemodels.test_training import IMAGES, make, weights_of
from vaemodels.building import build
from vaemodels.config import DenseConfig, TrainingConfig, VAEConfig
from vaemodels.training.batches import EpochBatches


def numpy_gradients(weights, x, noise, beta):
    """Returns the gradients of a VAE with a hidden layer in each half, by hand, in the order of the
    weights: hidden w, b, head w, b, hidden w, b, output w, b."""
    w1, b1, we, be, w2, b2, wd, bd = weights
    hidden = np.maximum(x @ w1 + b1, 0)
    mean, raw = np.split(hidden @ we + be, 2, axis=1)
    log_var = -2 + 10 * np.tanh(raw / 10 + np.arctanh(0.2))
    deviation = np.exp(log_var / 2)
    z = mean + deviation * noise
    above = np.maximum(z @ w2 + b2, 0)
    probabilities = 1 / (1 + np.exp(-(above @ wd + bd)))
    grad_out = (probabilities - x) / len(x)  # of the cross-entropy
    grad_above = (grad_out @ wd.T) * (above > 0)
    grad_z = grad_above @ w2.T
    grad_mean = grad_z + beta * mean / len(x)
    grad_log_var = grad_z * noise * deviation / 2 + beta * 0.5 * (np.exp(log_var) - 1) / len(x)
    grad_raw = grad_log_var * (1 - ((log_var + 2) / 10) ** 2)
    grad_head = np.hstack([grad_mean, grad_raw])
    grad_hidden = (grad_head @ we.T) * (hidden > 0)
    pairs = [(x, grad_hidden), (hidden, grad_head), (z, grad_above), (above, grad_out)]
    return [part for inputs, grad in pairs for part in (inputs.T @ grad, grad.sum(axis=0))]


def test_two_steps_are_those_of_adam_by_hand():
    layers = {"encoder": DenseConfig((9,)), "decoder": DenseConfig((7,))}
    config = VAEConfig((4, 4, 1), 2, beta=0.7, **layers)
    training = TrainingConfig(epochs=1, batch_size=25, learning_rate=0.01, seed=3)
    weights = [np.asarray(w, dtype=np.float64) for w in build(config, 3).weights]
    batches = EpochBatches(
        IMAGES, training, epoch=0, batch_size=25, noise_kind="normal", noise_width=2
    )
    means, squares = [0.0] * 8, [0.0] * 8
    for step, (x, noise) in enumerate(zip(*batches.take(2), strict=True), start=1):
        gradients = numpy_gradients(weights, x.reshape(25, 16) / 255.0, noise, 0.7)
        for i, gradient in enumerate(gradients):
            means[i] = 0.9 * means[i] + 0.1 * gradient
            squares[i] = 0.999 * squares[i] + 0.001 * gradient**2
            rate = 0.01 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            weights[i] = weights[i] - rate * means[i] / (np.sqrt(squares[i]) + 1e-7)
    trained = make(config, training)
    trained.run_epoch()
    for ours, by_hand in zip(weights_of(trained), weights, strict=True):
        np.testing.assert_allclose(ours, by_hand, atol=1e-5)


THREADS = """
import sys
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(int(sys.argv[1]))
tf.config.threading.set_inter_op_parallelism_threads(int(sys.argv[1]))
import numpy as np
from tests.vaemodels.test_training import TRAINING, weights_of
from vaemodels import ConvConfig, DenseConfig, Trainer, VAEConfig
from vaemodels.noise import base_noise
images = base_noise("uniform", 0, 64, 28 * 28).reshape(64, 28, 28, 1)
halves = {
    "dense": {"encoder": DenseConfig((300, 200)), "decoder": DenseConfig((200, 300))},
    "conv": {"encoder": ConvConfig((8,), widths=(200,)), "decoder": ConvConfig((16,))},
}[sys.argv[3]]
training = Trainer(VAEConfig((28, 28, 1), 4, **halves), TRAINING, images)
losses = training.run_epoch()
np.savez(sys.argv[2], *weights_of(training), loss=losses["loss"])
"""


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_one_thread_and_two_come_to_the_same(tmp_path, kind):
    found = []
    for threads in ("1", "2"):
        path = str(tmp_path / f"{threads}.npz")
        subprocess.run([sys.executable, "-c", THREADS, threads, path, kind], check=True)
        with np.load(path) as file:
            found.append(dict(file))
    # Adam's first steps are as long for a slope of 1e-8 as for one of 1, so that of convolutions,
    # whose sums two threads split, single weights may move apart where the loss does not.
    for name in found[0] if kind == "dense" else ["loss"]:
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-5, atol=1e-5)
