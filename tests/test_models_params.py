"""From the names of a study file to the configurations of `vaemodels`."""

import dataclasses
from typing import Any

import pytest

from search.errors import StudyConfigError
from search.models.params import model_config, own_sampler, training_config
from search.models.vocabulary import MODEL_PARAMS
from vaemodels.config import (
    ConvConfig,
    DenseConfig,
    HybridConfig,
    OwnConfig,
    RecurrentConfig,
    TrainingConfig,
    VAEConfig,
)

SHAPE = (8, 8, 1)
CONV = {"backbone": "conv"}


def dense(widths: tuple[int, ...], **changes: Any) -> DenseConfig:
    return DenseConfig(widths=widths, **changes)


def model(**changes: Any) -> VAEConfig:
    """Returns the model of no params at all, but for changes."""
    halves = {"encoder": dense((256, 128)), "decoder": dense((128, 256))}
    return VAEConfig(SHAPE, **{"latent_dim": 8, **halves, **changes})


def conv(**changes: Any) -> VAEConfig:
    """Returns the convolutional model of no other params, but for changes of both halves."""
    halves = ConvConfig(filters=(32, 64), **changes), ConvConfig(filters=(64, 32), **changes)
    return model(encoder=halves[0], decoder=halves[1])


def halves(**changes: Any) -> VAEConfig:
    return model(encoder=dense((256, 128), **changes), decoder=dense((128, 256), **changes))


def changed(config: VAEConfig, encoder: dict[str, Any], decoder: dict[str, Any]) -> VAEConfig:
    return dataclasses.replace(
        config,
        encoder=dataclasses.replace(config.encoder, **encoder),
        decoder=dataclasses.replace(config.decoder, **decoder),
    )


HYBRID: dict[str, Any] = {
    "backbone": "hybrid",
    "encoder_layers": [{"layer": "conv", "filters": 3}, {"layer": "dense", "units": 9}],
    "decoder_layers": [{"layer": "dense", "units": 64}],
}


def hybrid(**changes: Any) -> VAEConfig:
    encoder, decoder = HYBRID["encoder_layers"], HYBRID["decoder_layers"]
    return model(encoder=HybridConfig(encoder, **changes), decoder=HybridConfig(decoder, **changes))


MODELS = {
    "variant": ({"variant": "ae"}, model(variant="ae")),
    "backbone": (CONV, conv()),
    "prior": ({"variant": "sbvae", "prior": "vamp"}, model(variant="sbvae", prior="vamp")),
    "concentration": (
        {"variant": "sbvae", "concentration": 2.0},
        model(variant="sbvae", concentration=2.0),
    ),
    "num_components": (
        {"variant": "gmvae", "num_components": 3},
        model(variant="gmvae", num_components=3),
    ),
    "free_bits": ({"free_bits": 0.1}, model(free_bits=0.1)),
    "decoder_l2": ({"decoder_l2": 0.1}, model(decoder_l2=0.1)),
    "cell": (
        {"backbone": "recurrent", "cell": "lstm"},
        model(encoder=RecurrentConfig("lstm"), decoder=RecurrentConfig("lstm")),
    ),
    "units": (
        {"backbone": "recurrent", "units": [9, 7]},
        model(encoder=RecurrentConfig(units=(9, 7)), decoder=RecurrentConfig(units=(7, 9))),
    ),
    "decoder_units": (
        {"backbone": "recurrent", "decoder_units": [5]},
        model(encoder=RecurrentConfig(), decoder=RecurrentConfig(units=(5,))),
    ),
    "encoder_layers": (HYBRID, hybrid()),
    "decoder_layers": ({**HYBRID, "activation": "tanh"}, hybrid(activation="tanh")),
    "latent_dim": ({"latent_dim": 3}, model(latent_dim=3)),
    "beta": ({"beta": 0.5}, model(beta=0.5)),
    "likelihood": ({"likelihood": "gaussian"}, model(likelihood="gaussian")),
    "variance": (
        {"likelihood": "gaussian", "variance": "learned"},
        model(likelihood="gaussian", variance="learned"),
    ),
    "standardize": ({"standardize": [0.1, 0.3]}, model(standardize=(0.1, 0.3))),
    "widths": ({"widths": [9, 7]}, model(encoder=dense((9, 7)), decoder=dense((7, 9)))),
    "decoder_widths": ({"decoder_widths": [5]}, model(decoder=dense((5,)))),
    "filters": (
        {**CONV, "filters": [4, 6, 8]},
        changed(conv(), {"filters": (4, 6, 8)}, {"filters": (8, 6, 4)}),
    ),
    "decoder_filters": (
        {**CONV, "decoder_filters": [5, 6]},
        changed(conv(), {}, {"filters": (5, 6)}),
    ),
    "kernel_size": (
        {**CONV, "kernel_size": [3, 5]},
        changed(conv(), {"kernel_sizes": (3, 5)}, {"kernel_sizes": (5, 3)}),
    ),
    "strides": (
        {**CONV, "strides": [2, 1]},
        changed(conv(), {"strides": (2, 1)}, {"strides": (1, 2)}),
    ),
    "padding": ({**CONV, "padding": "valid"}, conv(padding="valid")),
    "pool": ({**CONV, "pool": "max"}, changed(conv(), {"pool": "max"}, {})),
    "encoder": ({"encoder": "lab:e"}, model(encoder=OwnConfig("lab:e"))),
    "decoder": ({"decoder": "lab:d"}, model(decoder=OwnConfig("lab:d"))),
    "posterior": ({"posterior": "lab:q"}, model(posterior="lab:q")),
    "activation": ({"activation": "gelu"}, halves(activation="gelu")),
    "batch_norm": ({"batch_norm": True}, halves(batch_norm=True)),
    "dropout": ({"dropout": 0.25}, halves(dropout=0.25)),
}
TRAININGS = {
    "beta_warmup_epochs": ({"beta_warmup_epochs": 3}, TrainingConfig(9, beta_warmup_epochs=3)),
    "beta_cycle_epochs": ({"beta_cycle_epochs": 4}, TrainingConfig(9, beta_cycle_epochs=4)),
    "learning_rate": ({"learning_rate": 0.1}, TrainingConfig(9, learning_rate=0.1)),
    "batch_size": ({"batch_size": 7}, TrainingConfig(9, batch_size=7)),
}


SAMPLERS = {
    "latent_sampler": ({"latent_sampler": "copula"}, "copula"),
    "latent_scale": ({"latent_scale": 100.0}, "prior*100"),
    "latent_shift": ({"variant": "ae", "latent_shift": 2.0}, "gaussian+2"),
}


def test_every_name_of_a_study_file_is_tested_here():
    assert {*MODELS, *TRAININGS, *SAMPLERS} == set(MODEL_PARAMS)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_param_sets_what_its_name_says(name):
    params, expected = SAMPLERS[name]
    assert str(own_sampler(params)) == expected


def test_the_variant_decides_on_the_sampler_unless_told_otherwise():
    assert str(own_sampler({})) == "prior"
    assert str(own_sampler({"variant": "ae"})) == "gaussian"
    assert str(own_sampler({"variant": "rae"})) == "gaussian_mixture"


def test_layers_of_a_hybrid_wait_for_trials_that_are_hybrids():
    assert model_config({**HYBRID, "backbone": "dense"}, SHAPE) == model_config({}, SHAPE)


def test_widths_may_be_text_so_that_a_choice_can_name_them():
    assert model_config({"widths": "9-7"}, SHAPE) == model_config({"widths": [9, 7]}, SHAPE)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_param_sets_what_its_name_says(name):
    params, expected = MODELS[name]
    assert model_config(params, SHAPE) == expected


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_param_sets_what_its_name_says(name):
    params, expected = TRAININGS[name]
    assert training_config(params, epochs=9, seed=0) == expected


def test_without_params_the_defaults_hold():
    assert model_config({}, SHAPE) == model()
    assert training_config({}, epochs=9, seed=4) == TrainingConfig(9, seed=4)


@pytest.mark.parametrize(
    ("scalar", "listed"),
    [
        ({"widths": 16}, {"widths": [16]}),
        ({**CONV, "filters": 16}, {**CONV, "filters": [16]}),
        ({**CONV, "kernel_size": 5}, {**CONV, "kernel_size": [5]}),
        ({**CONV, "strides": 1}, {**CONV, "strides": [1]}),
    ],
)
def test_one_value_is_a_list_of_one(scalar, listed):
    assert model_config(scalar, SHAPE) == model_config(listed, SHAPE)


@pytest.mark.parametrize("params", [{"variance": None}, {"standardize": None}, {"beta": None}])
def test_none_is_the_default(params):
    assert model_config(params, SHAPE) == model()


def test_dense_layers_of_a_convolutional_model_are_mirrored_too():
    found = model_config({**CONV, "widths": [20, 10], "pool": "none"}, SHAPE)
    assert found.encoder == ConvConfig(filters=(32, 64), widths=(20, 10))
    assert found.decoder == ConvConfig(filters=(64, 32), widths=(10, 20))


def test_no_hidden_layer_is_a_linear_model():
    assert model_config({"widths": []}, SHAPE) == model(encoder=dense(()), decoder=dense(()))


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"variant": "gan"}, "variant"),
        (
            {"backbone": "resnet"},
            "`backbone` must be one of dense, conv, recurrent, hybrid. Received: 'resnet'",
        ),
        ({"latent_dim": 0}, "latent_dim"),
        ({"latent_dim": 2.5}, "latent_dim"),
        ({"latent_dim": True}, "latent_dim"),
        ({"beta": -1.0}, "beta"),
        ({"beta": float("nan")}, "beta"),
        ({"likelihood": "poisson"}, "likelihood"),
        ({"likelihood": "gaussian", "variance": 0}, "variance"),
        ({"variance": 0.5}, "`variance` means nothing to `likelihood: bernoulli`"),
        ({"standardize": [0.1]}, "standardize"),
        ({"standardize": 0.5}, "standardize"),
        ({"widths": [16, 0]}, "widths"),
        ({"widths": "wide"}, "widths"),
        ({"activation": "cosine"}, "activation"),
        ({"dropout": 1.0}, "dropout"),
        ({"batch_norm": "yes"}, "batch_norm"),
        ({**CONV, "filters": []}, "filters"),
        ({**CONV, "kernel_size": [3, 3, 3]}, "kernel_sizes"),
        ({**CONV, "strides": 0}, "strides"),
        ({**CONV, "padding": "reflect"}, "padding"),
        ({**CONV, "pool": "min"}, "pool"),
        ({"filters": [8]}, "`filters` means nothing to `backbone: dense`"),
        ({"pool": "max"}, "`pool` means nothing to `backbone: dense`"),
    ],
)
def test_an_impossible_model_is_refused_in_one_line(params, said):
    with pytest.raises(StudyConfigError, match=said) as refused:
        model_config(params, SHAPE)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "params", [{"learning_rate": 0.0}, {"batch_size": 0}, {"beta_warmup_epochs": -1}]
)
def test_an_impossible_training_is_refused_in_one_line(params):
    (name,) = params
    with pytest.raises(StudyConfigError, match=name) as refused:
        training_config(params, epochs=1, seed=0)
    assert "\n" not in str(refused.value)
