import json
import re
import subprocess
import sys

import pytest

from vaemodels.config import (
    ConvConfig,
    DenseConfig,
    TrainingConfig,
    VAEConfig,
)

CONFIGS = [
    DenseConfig((3,), "tanh", 0.5, True),
    ConvConfig((3, 4), (5,), (1, 2), "valid", "max", (6,)),
    VAEConfig((28, 28, 1), 5),
    VAEConfig(
        (15, 11, 3),
        2,
        "ae",
        0.0,
        "gaussian",
        "learned",
        (0.1, 0.3),
        ConvConfig(),
        DenseConfig(()),
    ),
    VAEConfig((8, 8, 1), 4, "sbvae", prior="vamp", concentration=2.0, num_components=3),
    VAEConfig((8, 8, 1), 4, "rae", decoder_l2=1e-3),
    TrainingConfig(3, 10, 0.01, 2, 7),
    TrainingConfig(3, beta_cycle_epochs=2, noise="constant", order="file"),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_json_round_trip(config):
    assert type(config).from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize("config", CONFIGS)
def test_an_unknown_key_is_refused_by_name(config):
    with pytest.raises(ValueError, match=f"`{type(config).__name__}`.*'latentdim'"):
        type(config).from_json({**config.to_json(), "latentdim": 3})


def test_a_missing_key_is_refused_by_name():
    with pytest.raises(ValueError, match="Expected a value for `latent_dim`"):
        VAEConfig.from_json({"image_shape": [8, 8, 1]})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"latent_dim": 0}, "`latent_dim`. Expected an integer >= 1. Received: latent_dim=0."),
        ({"latent_dim": True}, "Expected an integer >= 1. Received: latent_dim=True."),
        ({"beta": -0.1}, "`beta`. Expected a finite number >= 0. Received: beta=-0.1."),
        ({"beta": float("nan")}, "Received: beta=nan."),
        ({"variant": "vqvae"}, "Expected one of 'vae', 'ae', 'rae', 'sbvae'"),
        ({"variance": 0}, "`variance`. Expected a finite number > 0 or 'learned'."),
        ({"variance": "free"}, "Received: variance='free'."),
        ({"image_shape": (8, 8)}, "Expected (height, width, channels)."),
        ({"standardize": (0.1, 0)}, "Expected None or (mean, standard deviation > 0)."),
        (
            {"encoder": {"kind": "rnn"}},
            "with a `kind` of 'dense', 'conv', 'hybrid', 'recurrent', 'own'.",
        ),
        ({"decoder": ConvConfig(pool="max")}, "Pooling cannot be undone"),
        ({"posterior": "dirichlet"}, "a density over the simplex, the prior one over real vectors"),
        ({"variant": "dirvae_gamma", "prior": "beta_sticks"}, "the prior one over real vectors"),
        ({"variant": "sbvae", "prior": "laplace_dirichlet"}, "logits of a softmax"),
        ({"variant": "ae", "prior": "gaussian_mixture"}, "a point posterior has no density"),
        ({"variant": "ae", "posterior": "gaussian"}, "without a prior nothing regularises"),
        ({"prior": "cauchy"}, "`prior`. Expected one of None, 'standard_normal'"),
        ({"variant": "sbvae", "latent_dim": 1}, "an integer >= 2, weights on a simplex"),
        ({"concentration": 3.0}, "Expected None for ('gaussian', 'standard_normal')."),
        ({"variant": "sbvae", "concentration": 0}, "`concentration`. Expected a number from 0.02"),
        ({"variant": "gmvae", "num_components": 0}, "`num_components`. Expected an integer >= 1"),
        ({"variant": "gmvae", "free_bits": 0.1}, "does not split into dimensions"),
        ({"variant": "ae", "head_activation": "relu"}, "Expected 'linear' but for a Gaussian"),
    ],
)
def test_wrong_models_are_refused(values, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        VAEConfig(**{"image_shape": (8, 8, 1), "latent_dim": 2, **values})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DenseConfig((0,)), "`widths`. Expected a tuple of integers >= 1."),
        (lambda: DenseConfig(dropout=1.0), "Expected a number from 0 to below 1."),
        (lambda: DenseConfig(activation="swoosh"), "`activation`. Expected one of 'elu'"),
        (lambda: ConvConfig(()), "`filters`. Expected a non-empty tuple of integers >= 1."),
        (lambda: ConvConfig((1, 2, 3), (3, 3)), "Expected 1 or 3 values, as many as `filters`."),
        (lambda: ConvConfig(padding="full"), "`padding`. Expected one of 'same', 'valid'."),
        (lambda: TrainingConfig(0), "`epochs`. Expected an integer >= 1."),
        (lambda: TrainingConfig(1, learning_rate=0), "`learning_rate`. Expected a finite number"),
    ],
)
def test_wrong_parts_are_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_one_value_holds_for_every_layer():
    assert ConvConfig((8, 9), (3,), (1, 2)).layers == ((8, 3, 1), (9, 3, 2))


def test_the_names_of_parts_are_those_of_the_tables():
    from vaemodels.config.variants import POSTERIOR_SPACES, PRIOR_SPACES
    from vaemodels.variants import POSTERIORS, PRIORS

    assert set(POSTERIORS) == set(POSTERIOR_SPACES)
    assert set(PRIORS) == set(PRIOR_SPACES)


def test_reading_a_config_does_not_import_tensorflow():
    code = (
        "import sys, vaemodels; vaemodels.VAEConfig((8, 8, 1), 2); vaemodels.count_parameters; "
        "sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_public_names_load():
    import vaemodels

    for name in ("VAE", "Trainer", "build", "load", "save"):
        assert name in dir(vaemodels)
        assert callable(getattr(vaemodels, name))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = vaemodels.nonsense
