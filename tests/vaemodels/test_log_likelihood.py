import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import multivariate_normal

from vaemodels import DenseConfig, VAEConfig
from vaemodels.building import build
from vaemodels.config.variants import VARIANTS
from vaemodels.metrics import log_likelihood as module
from vaemodels.metrics.kl_by_dimension import kl_by_dimension
from vaemodels.metrics.log_likelihood import log_likelihood
from vaemodels.posteriors.diagonal_gaussian import soft_bound

WITH_DENSITIES = {name for name, parts in VARIANTS.items() if parts.posterior != "point"}
SHAPE, LATENT_DIM, VARIANCE = (3, 2, 1), 2, 0.05


def build_model(seed=0, **changes):
    fields = {
        "image_shape": SHAPE,
        "latent_dim": LATENT_DIM,
        "likelihood": "gaussian",
        "variance": VARIANCE,
        "standardize": (0.0, 1.0),  # raw pixels with a linear output
        "encoder": DenseConfig(widths=()),
        "decoder": DenseConfig(widths=()),
    }
    return build(VAEConfig(**(fields | changes)), seed)


def linear_model(rotation=0.0):
    """A linear-Gaussian model, whose likelihood and posterior are known exactly.

    Args:
        rotation: Angle in radians by which the encoder's means are off; 0 is the true posterior.

    Returns:
        The model, the (6, 2) matrix and the (6,) bias of its decoder.
    """
    vae = build_model()
    rng = np.random.default_rng(0)
    # Orthogonal columns make the true posterior's covariance diagonal, as the model's is.
    loadings = np.linalg.qr(rng.normal(size=(6, 2)))[0] * np.array([0.5, 0.3])
    bias = rng.uniform(0.3, 0.7, size=6)
    vae.decoder.set_weights([loadings.T.astype(np.float32), bias.astype(np.float32)])
    variances = VARIANCE / (VARIANCE + (loadings**2).sum(axis=0))
    turn = np.array([[np.cos(rotation), -np.sin(rotation)], [np.sin(rotation), np.cos(rotation)]])
    means = turn @ (variances[:, None] * loadings.T) / VARIANCE
    with_head(vae, means, bias, np.log(variances))
    return vae, loadings, bias


def with_head(vae, means, bias, log_variances):
    """Sets the head so that q has mean `means @ (x - bias)` and these variances."""
    # The head's bound on log variances is increasing, so bisection inverts it.
    low, high = np.full(LATENT_DIM, -50.0), np.full(LATENT_DIM, 50.0)
    for _ in range(60):
        middle = (low + high) / 2
        below = np.asarray(soft_bound(middle)) < log_variances
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    kernel = np.concatenate([means, np.zeros((LATENT_DIM, 6))]).T
    offsets = np.concatenate([-means @ bias, low])
    vae.posterior.head.set_weights([kernel.astype(np.float32), offsets.astype(np.float32)])


def exact(loadings, bias, images):
    covariance = loadings @ loadings.T + VARIANCE * np.eye(6)
    return multivariate_normal(bias, covariance).logpdf(images.reshape(-1, 6))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((150, *SHAPE), dtype=np.float32)


def test_the_true_posterior_gives_the_likelihood_from_one_draw(images):
    vae, loadings, bias = linear_model()
    truth = exact(loadings, bias, images)
    estimate = log_likelihood(vae, images, num_samples=1)
    assert estimate.value == pytest.approx(truth.mean(), abs=1e-3)
    assert estimate.standard_error == pytest.approx(truth.std(ddof=1) / np.sqrt(150), rel=1e-2)
    assert estimate.bias is None


def test_a_poor_posterior_gives_a_lower_bound_that_samples_close(images):
    vae, loadings, bias = linear_model(rotation=0.7)
    truth = exact(loadings, bias, images).mean()
    few, some, many = (log_likelihood(vae, images, num_samples=k) for k in (1, 10, 1000))
    assert few.value < some.value < many.value < truth + 0.01
    assert many.value == pytest.approx(truth, abs=0.02)
    assert some.bias < many.bias < 0.0


def test_the_bias_is_the_gap_to_the_truth(images):
    vae, loadings, bias = linear_model(rotation=0.5)
    estimate = log_likelihood(vae, images, num_samples=200)
    gap = estimate.value - exact(loadings, bias, images).mean()
    assert estimate.bias == pytest.approx(gap, abs=0.01)
    assert estimate.num_samples == 150


def test_one_draw_is_the_elbo_on_average(images):
    vae = linear_model(rotation=1.0)[0]
    rounds = [log_likelihood(vae, images, num_samples=1, seed=s).value for s in range(8)]
    divergence = kl_by_dimension(vae, images).sum()
    parameters = vae.parameters(images)
    rng = np.random.default_rng(2)
    reconstructions = []
    for _ in range(8):
        noise = rng.normal(size=(150, LATENT_DIM)).astype(np.float32)
        outputs = vae.decoder(vae.link(vae.posterior.sample(parameters, noise)))
        reconstructions.append(np.mean(vae.likelihood.log_prob(outputs, images)))
    error = np.hypot(np.std(rounds), np.std(reconstructions)) / np.sqrt(8)
    assert np.mean(rounds) == pytest.approx(np.mean(reconstructions) - divergence, abs=4 * error)


def test_rows_do_not_depend_on_how_they_are_batched(images, monkeypatch):
    vae = linear_model(rotation=1.0)[0]
    whole = log_likelihood(vae, images[:20], num_samples=30)
    for rows in (7, 40, 1000):  # samples in pieces, one image at a time, all at once
        monkeypatch.setattr(module, "_ROWS", rows)
        pieces = log_likelihood(vae, images[:20], num_samples=30)
        assert pieces.value == pytest.approx(whole.value, rel=1e-5)
        assert pieces.bias == pytest.approx(whole.bias, rel=1e-4)


def test_the_seed_decides(images):
    vae = linear_model(rotation=1.0)[0]
    first, again, other = (
        log_likelihood(vae, images[:5], num_samples=3, seed=seed).value for seed in (0, 0, 1)
    )
    assert first == again != other


def test_eager_execution_gives_the_same(images):
    vae = linear_model(rotation=1.0)[0]
    compiled = log_likelihood(vae, images[:5], num_samples=3).value
    tf.config.run_functions_eagerly(True)
    try:
        assert log_likelihood(vae, images[:5], num_samples=3).value == pytest.approx(compiled)
    finally:
        tf.config.run_functions_eagerly(False)


def test_a_bernoulli_model_with_hidden_layers_and_dropout_is_measured_without_it(images):
    hidden = DenseConfig(widths=(8,), dropout=0.5)
    vae = build_model(likelihood="bernoulli", standardize=None, encoder=hidden, decoder=hidden)
    first, again = (log_likelihood(vae, images[:9], num_samples=5) for _ in range(2))
    assert first == again
    assert -20 < first.value < 0


def test_the_kl_of_each_dimension_is_the_formula_whatever_the_batch(images):
    vae = linear_model()[0]
    parameters = {name: np.asarray(part, float) for name, part in vae.parameters(images).items()}
    mean, log_var = parameters["mean"], parameters["log_var"]
    expected = 0.5 * (mean**2 + np.exp(log_var) - 1.0 - log_var).mean(axis=0)
    for batch_size in (7, 500):
        divergences = kl_by_dimension(vae, images, batch_size=batch_size)
        assert divergences.dtype == np.float64
        assert divergences == pytest.approx(expected, rel=1e-5)


def test_a_latent_that_ignores_the_image_has_no_kl(images):
    vae = linear_model()[0]
    with_head(vae, np.zeros((2, 6)), np.zeros(6), np.zeros(2))
    assert kl_by_dimension(vae, images) == pytest.approx(np.zeros(2), abs=1e-5)


def test_a_kl_that_does_not_split_is_refused(images):
    with pytest.raises(ValueError, match=r"Invalid pair of `posterior` and `prior`"):
        kl_by_dimension(build_model(variant="gmvae"), images)


@pytest.mark.parametrize("variant", sorted(WITH_DENSITIES))
def test_every_variant_with_densities_has_a_bound_that_samples_raise(variant, images):
    vae = build_model(variant=variant, standardize=None)
    few, many = (log_likelihood(vae, images[:40], num_samples=k, seed=k) for k in (1, 50))
    assert few.value < many.value + 2 * few.standard_error
    assert many.bias < 0.0


@pytest.mark.parametrize("measure", [log_likelihood, kl_by_dimension])
class TestRefusals:
    @pytest.mark.parametrize("variant", ["ae", "rae"])
    def test_an_autoencoder(self, measure, variant, images):
        with pytest.raises(ValueError, match=r"that are densities\. Received: an autoencoder"):
            measure(build_model(variant=variant), images)

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (np.zeros((0, *SHAPE)), r"Invalid shape for `images`.*num_images >= 1"),
            (np.zeros((5, 2, 3, 1)), r"model's images, \(3, 2, 1\)\. Received: \(2, 3, 1\)"),
            (np.full((5, *SHAPE), np.nan), "`images` has NaN"),
            (np.full((5, *SHAPE), 2.0), r"floats in \[0, 1\]"),
        ],
    )
    def test_images_that_are_not_the_models(self, measure, bad, message):
        with pytest.raises(ValueError, match=message):
            measure(build_model(), bad)

    def test_a_diverged_model(self, measure, images):
        vae = build_model()
        vae.posterior.head.set_weights(
            [np.full_like(weight, np.nan) for weight in vae.posterior.head.get_weights()]
        )
        with pytest.raises(ValueError, match="did training diverge"):
            measure(vae, images)


@pytest.mark.parametrize("changes", [{"num_samples": 0}, {"seed": -1}])
def test_refuses_numbers_out_of_range(changes, images):
    with pytest.raises(ValueError, match=f"Invalid value for `{next(iter(changes))}`"):
        log_likelihood(build_model(), images, **changes)


def test_refuses_a_batch_of_no_images(images):
    with pytest.raises(ValueError, match="Invalid value for `batch_size`"):
        kl_by_dimension(build_model(), images, batch_size=0)
