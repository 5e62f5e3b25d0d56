"""Models lent again: a later training finds them compiled and cannot tell the difference."""

import gc
import io

import numpy as np
import pytest

from vaemodels.compiling import seconds_compiling
from vaemodels.config import ConvConfig, DenseConfig, TrainingConfig, VAEConfig
from vaemodels.devices import release_memory
from vaemodels.noise import base_noise
from vaemodels.training import ModelCache, Trainer

IMAGES = (base_noise("uniform", 0, 60, 64) * 255).astype(np.uint8).reshape(60, 8, 8, 1)
SMALL = {"encoder": DenseConfig((9,)), "decoder": DenseConfig((9,))}
CONV = {"encoder": ConvConfig((4,), widths=(6,)), "decoder": ConvConfig((16,))}
NOISY = {"encoder": DenseConfig((9,), dropout=0.2, batch_norm=True), "decoder": DenseConfig((9,))}
CONFIGS = {
    "vae": VAEConfig((8, 8, 1), 3, **SMALL),
    "dropout": VAEConfig((8, 8, 1), 3, **NOISY),
    "conv": VAEConfig((8, 8, 1), 3, **CONV),
    "gmvae": VAEConfig((8, 8, 1), 3, "gmvae", num_components=2, **SMALL),
    "vampvae": VAEConfig((8, 8, 1), 3, "vampvae", num_components=2, **SMALL),
    "ae": VAEConfig((8, 8, 1), 3, "ae", **SMALL),
    "dirvae_gamma": VAEConfig((8, 8, 1), 3, "dirvae_gamma", **SMALL),
}


def results(trainer):
    """Returns all that a training of two epochs, measured, comes to."""
    losses = [trainer.run_epoch() for _ in range(2)]
    losses.append(trainer.evaluate(IMAGES[:20], 255.0, seed=1))
    sampler = trainer.latent_sampler()
    images = trainer.generate(base_noise("normal", 0, 4, sampler.noise_width), sampler)
    trainer.train_seconds = 0.0
    state = io.BytesIO()
    trainer.save(state)
    return losses, images, state.getvalue()


def train(config, models=None, seed=3, rate=0.01, beta=1.0):
    values = {**config.to_json(), "beta": beta}
    training = TrainingConfig(epochs=2, batch_size=16, seed=seed, learning_rate=rate)
    return Trainer(VAEConfig.from_json(values), training, IMAGES, 255.0, models=models)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_that_is_used_again_trains_as_a_new_one_does(name):
    config, models = CONFIGS[name], ModelCache()
    first = train(config, models, seed=1, rate=0.1, beta=0.3)
    results(first)
    first.close()
    again, new = train(config, models), train(config)
    assert (again.is_reused, new.is_reused) == (True, False)
    before = seconds_compiling()
    (losses, images, state), (expected, theirs, their_state) = results(again), results(new)
    assert losses == expected
    np.testing.assert_array_equal(images, theirs)
    assert state == their_state
    assert (models.num_hits, models.num_misses) == (1, 1)
    assert seconds_compiling() > before  # the new one alone


def test_nothing_is_compiled_twice():
    models = ModelCache()
    for seed in range(2):
        before = seconds_compiling()
        trainer = train(CONFIGS["vae"], models, seed=seed, beta=1.0 + seed)
        results(trainer)
        trainer.close()
    assert seconds_compiling() == before


def test_each_training_has_a_model_of_its_own():
    models = ModelCache()
    first, second = (train(CONFIGS["vae"], models) for _ in range(2))
    assert first.vae.encoder is not second.vae.encoder
    assert models.num_hits == 0


def test_other_architectures_and_settings_get_other_functions():
    models = ModelCache()
    for name in ("vae", "conv"):
        train(CONFIGS[name], models).close()
    assert models.num_misses == 2
    larger = TrainingConfig(epochs=1, batch_size=20, seed=3)
    again = Trainer(CONFIGS["vae"], larger, IMAGES, 255.0, models=models)
    assert again.is_reused
    assert again.run_epoch() == Trainer(CONFIGS["vae"], larger, IMAGES, 255.0).run_epoch()


def test_those_that_were_used_last_are_kept():
    models = ModelCache(most=2)
    for latent_dim in (1, 2, 3):
        train(VAEConfig((8, 8, 1), latent_dim, **SMALL), models).close()
    for latent_dim, is_kept in ((3, True), (1, False), (2, True)):
        assert train(VAEConfig((8, 8, 1), latent_dim, **SMALL), models).is_reused is is_kept


def test_models_take_no_more_memory_than_they_may():
    large = VAEConfig((8, 8, 1), 3, encoder=DenseConfig((200,)), decoder=DenseConfig((9,)))
    models = ModelCache(most_bytes=100_000)
    for config in (CONFIGS["vae"], large, CONFIGS["dropout"]):
        train(config, models).close()
    kept = [train(config, models).is_reused for config in (CONFIGS["vae"], large)]
    assert kept == [False, False]  # the large one pushed the other out, and took too much itself
    assert train(CONFIGS["dropout"], models).is_reused


@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_that_is_gone_leaves_no_graph_behind(name):
    """A worker trains thousands of models; what TensorFlow keeps of one, it keeps for ever."""

    def num_graphs() -> int:
        release_memory()
        return sum(type(item).__name__ == "FuncGraph" for item in gc.get_objects())

    results(train(CONFIGS[name]))  # what is traced once for all models
    before = num_graphs()
    results(train(CONFIGS[name]))
    assert num_graphs() == before
