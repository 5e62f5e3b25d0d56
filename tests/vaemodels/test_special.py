"""Special functions against SciPy and float64, and the implicit gamma gradient."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import ndtr
from scipy.stats import gamma, kstest

from vaemodels.noise import base_noise
from vaemodels.special import (
    gamma_noise_width,
    log1mexp,
    log_gamma_draws,
    normal_to_uniform,
    uniform_to_normal,
)


def draws_of(concentration, num_samples=20_000):
    noise = base_noise("uniform", 0, num_samples, gamma_noise_width(1))
    return log_gamma_draws(tf.fill((num_samples, 1), np.float32(concentration)), noise)


def test_log1mexp_is_exact_at_both_ends():
    x = -np.logspace(-30, 2, 200)
    result = np.asarray(log1mexp(x.astype("float32")), dtype="float64")
    far, near = np.log1p(-np.exp(np.minimum(x, -0.1))), np.log(-np.expm1(x))
    expected = np.where(x > -1, near, far)
    np.testing.assert_allclose(result, expected, rtol=2e-5, atol=1e-30)


def test_log1mexp_has_a_finite_gradient_everywhere():
    x = tf.constant([-1e-20, -0.5, -0.7, -80.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = log1mexp(x)
    assert np.isfinite(tape.gradient(y, x)).all()


def test_normal_and_uniform_are_each_others_inverse():
    x = np.linspace(-5, 5, 101, dtype="float32")
    p = np.asarray(normal_to_uniform(x))
    np.testing.assert_allclose(p, ndtr(x.astype("float64")), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(uniform_to_normal(p), x, atol=2e-2)
    assert 0 < np.asarray(normal_to_uniform(np.float32([-40, 40]))).min()
    assert np.asarray(normal_to_uniform(np.float32([-40, 40]))).max() < 1


@pytest.mark.parametrize("concentration", [0.3, 1.0, 7.0, 300.0])
def test_gamma_draws_are_gamma_distributed(concentration):
    draws = np.exp(np.asarray(draws_of(concentration), dtype="float64")[:, 0])
    assert kstest(draws, gamma(concentration).cdf).pvalue > 1e-3


def test_gamma_draws_of_tiny_concentrations_do_not_underflow():
    draws = np.asarray(draws_of(0.01))
    assert np.isfinite(draws).all()
    assert draws.min() < -200  # exp of it is 0 in float32


@pytest.mark.parametrize("concentration", [0.05, 0.98, 20.0])
def test_the_implicit_gradient_moves_the_mean_as_it_must(concentration):
    """E[g] is the concentration, so its derivative is 1."""
    a = tf.fill((20_000, 1), np.float32(concentration))
    noise = base_noise("uniform", 0, 20_000, gamma_noise_width(1))
    with tf.GradientTape() as tape:
        tape.watch(a)
        total = tf.reduce_sum(tf.exp(log_gamma_draws(a, noise)))
    gradient = np.asarray(tape.gradient(total, a), dtype="float64")
    assert gradient.mean() == pytest.approx(1.0, abs=4 * gradient.std() / np.sqrt(20_000) + 1e-3)
