import json
import re
import subprocess
import sys

import pytest

from vaemodels.config import (
    VARIANT_NAMES,
    ConvConfig,
    DenseConfig,
    TrainingConfig,
    VAEConfig,
)
from vaemodels.variants import VARIANTS

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
    TrainingConfig(3, 10, 0.01, 2, 7),
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
        ({"variant": "vqvae"}, "Expected one of 'vae', 'ae'. Received: variant='vqvae'."),
        ({"variance": 0}, "`variance`. Expected a finite number > 0 or 'learned'."),
        ({"variance": "free"}, "Received: variance='free'."),
        ({"image_shape": (8, 8)}, "Expected (height, width, channels)."),
        ({"standardize": (0.1, 0)}, "Expected None or (mean, standard deviation > 0)."),
        ({"encoder": {"kind": "rnn"}}, "Expected a mapping with `kind` 'dense' or 'conv'."),
        ({"decoder": ConvConfig(pool="max")}, "Pooling cannot be undone"),
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


def test_variant_names_are_those_of_the_table():
    assert tuple(VARIANTS) == VARIANT_NAMES


def test_reading_a_config_does_not_import_tensorflow():
    code = (
        "import sys, vaemodels; vaemodels.VAEConfig((8, 8, 1), 2); vaemodels.count_parameters; "
        "sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_public_names_load():
    import vaemodels

    for name in ("VAE", "Trainer", "build_vae", "load", "save"):
        assert name in dir(vaemodels)
        assert callable(getattr(vaemodels, name))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = vaemodels.nonsense
