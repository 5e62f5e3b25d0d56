import time
from collections.abc import Callable
from typing import Any, BinaryIO, final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from vaemodels.checks import check_positive
from vaemodels.compiling import FORWARD_BATCH, compiling, padded, pixels
from vaemodels.config import LatentSamplerConfig, TrainingConfig, VAEConfig
from vaemodels.inference import thinned
from vaemodels.io import assign_arrays, to_arrays
from vaemodels.latents import FittedSampler
from vaemodels.noise import draw, generator
from vaemodels.training.batches import EpochBatches
from vaemodels.training.compiled import make_evaluate, pays_to_compile, ready_chunk
from vaemodels.training.images import check_images, check_pixels
from vaemodels.training.model_cache import ModelCache, PreparedModel
from vaemodels.training.state import FORMAT, Header, check_same_training, read_state, write_state
from vaemodels.vae import derived_terms

# A stop is noticed between chunks, within about a second with room for a slow step.
_CHUNK_SECONDS = 0.4
_BLOCK_BYTES = 32 * 2**20


def never() -> bool:
    """Returns False: the `should_stop` of a training that runs to its end."""
    return False


@final
class Trainer:
    """One training of one model, epoch by epoch, that can be stopped and continued exactly.

    Order of the images and noise come from NumPy, keyed by (seed, epoch), so that with one thread
    5 epochs equal 2, `save`, `restore` in another process and 3, bit for bit.

    Args:
        config: The model.
        training: Its training.
        images: `(num_images >= 2, height, width, channels)`, uint8 or finite float32, possibly
            memory-mapped.
        scale: Value of a white pixel: images are divided by it to get [0, 1].
        should_stop: Asked between chunks of an epoch, which take under a second each.
        models: Lends the model, until `close`; by default it is a new one.

    Attributes:
        vae: The model, trained in place.
        inference: The model at work: codes, reconstructions, latent samplers.
        is_reused: Whether what has to be compiled was there already.
        epoch: Finished epochs.
        train_seconds: Time spent in training steps since the first epoch, over all restores;
            tracing and compilation left out.

    Raises:
        ValueError: If images and config do not fit each other.
    """

    def __init__(
        self,
        config: VAEConfig,
        training: TrainingConfig,
        images: NDArray[Any],
        scale: float = 1.0,
        should_stop: Callable[[], bool] = never,
        models: ModelCache | None = None,
    ):
        check_positive(scale=scale)
        check_images(images, config)
        check_pixels(images)
        self._models = models
        seed = training.seed
        self._model = models.borrow(config, seed) if models else PreparedModel.new(config, seed)
        self.vae, self.inference = self._model.vae, self._model.inference
        self.is_reused = self._model.is_reused
        self.epoch = 0
        self.train_seconds = 0.0
        self._training = training
        self._images, self._scale = images, float(scale)
        self._should_stop = should_stop
        self._adam = self._model.adam
        self._batch_size = min(training.batch_size, len(images))
        self._steps_per_epoch = len(images) // self._batch_size
        self._jit = pays_to_compile(config, training.epochs * self._steps_per_epoch)
        block_bytes = self._batch_size * images[:1].nbytes
        self._most_steps = max(1, min(self._steps_per_epoch, _BLOCK_BYTES // block_bytes))
        self._step = 0
        self._sums = np.zeros(len(self.vae.term_names), dtype=np.float32)
        self._seconds_per_step = _CHUNK_SECONDS  # unknown: the first chunk is one step
        self._batches: EpochBatches | None = None

    @property
    def step(self) -> int:
        """Steps done of the epoch under way."""
        return self._step

    @property
    def batch_size(self) -> int:
        """Images of every step."""
        return self._batch_size

    @property
    def steps_per_epoch(self) -> int:
        """Steps of every epoch; images that fill no whole batch wait for another epoch."""
        return self._steps_per_epoch

    @property
    def beta(self) -> float:
        """Effective beta of the epoch under way."""
        return self.vae.beta * self._training.beta_factor(self.epoch + 1)

    def run_epoch(self) -> dict[str, float] | None:
        """Trains to the end of the epoch under way.

        Returns:
            Means over the steps of the epoch, in nats per image: "loss", "reconstruction_loss",
            "kl_loss", "beta_kl_loss" and "elbo" (or "penalty_loss" and "beta_penalty_loss"), those
            that exist, and "beta", the effective one.
            Not finite after a divergence. None if `should_stop` said so; the next call goes on
            where this one stopped.
        """
        chunk = self._chunk()
        if self._batches is None or self._batches.epoch != self.epoch:
            self._batches = self._begin_epoch()
        while self._step < self._steps_per_epoch:
            if self._should_stop():
                return None
            self._run_chunk(chunk, self._batches)
        result = self._means(self._sums / np.float32(self._steps_per_epoch), self.beta)
        result["beta"] = self.beta
        self.epoch += 1
        self._step = 0
        self._sums = np.zeros_like(self._sums)
        return result

    def evaluate(
        self, images: NDArray[Any], scale: float, seed: int | None = None
    ) -> dict[str, float]:
        """Returns the loss terms on held-out images, at the config's beta, in nats per image.

        Every image counts; dropout is off.

        Args:
            images: As in the constructor.
            scale: Value of a white pixel.
            seed: Fixes the posterior's noise; one seed for models that are to be compared. By
                default the training's.
        """
        return self.evaluate_with_means(images, scale, seed)[0]

    def evaluate_with_means(
        self, images: NDArray[Any], scale: float, seed: int | None = None
    ) -> tuple[dict[str, float], NDArray[np.float32]]:
        """Returns what `evaluate` does, and the posteriors' means of `u`, `(num_images, num_dims)`,
        which are known on the way."""
        check_positive(scale=scale)
        check_images(images, self.vae.config)
        key = ("evaluate", images.dtype.name, scale)
        evaluate = self._function(key, lambda: make_evaluate(self.vae, images.dtype, scale))
        posterior = self.vae.posterior
        rng = generator(self._training.seed if seed is None else seed, "evaluation", 0)
        sums, means = np.zeros(len(self._sums)), []
        for start in range(0, len(images), FORWARD_BATCH):
            batch = images[start : start + FORWARD_BATCH]
            noise = draw(rng, posterior.noise_kind, (len(batch), posterior.noise_width))
            terms, some = evaluate(np.ascontiguousarray(batch), noise, np.float32(self.vae.beta))
            sums += len(batch) * np.asarray(terms, dtype=np.float64)
            means.append(np.asarray(some))
        return self._means(sums / len(images), self.vae.beta), np.concatenate(means)

    def latent_sampler(self, config: LatentSamplerConfig | None = None) -> FittedSampler:
        """Returns a latent sampler of the model as it is now, by default the variant's own."""
        return self.inference.latent_sampler(self._images, self._scale, config)

    def codes(self) -> NDArray[np.float32]:
        """Returns what latent samplers are fitted to: draws of training images' posteriors."""
        return self.inference.draws(thinned(self._images), self._scale)

    def generate(
        self, noise: NDArray[np.float32], sampler: FittedSampler | None = None
    ) -> NDArray[np.float32]:
        """Returns generated images in [0, 1], `(num_samples, height, width, channels)`.

        Args:
            noise: N(0, 1) draws `(num_samples, sampler.noise_width)`; each row becomes a latent
                vector, and the image is the decoder's mean.
            sampler: By default the variant's own.
        """
        sampler = sampler or self.latent_sampler()
        if noise.ndim != 2 or noise.shape[1] != sampler.noise_width:
            raise ValueError(
                f"Invalid value for `noise`. Expected shape (num_samples, {sampler.noise_width}). "
                f"Received: {noise.shape=}."
            )
        return self.inference.decode(sampler.draw(noise))

    def save(self, file: BinaryIO) -> None:
        """Writes everything on which the rest of the training depends, as one .npz."""
        arrays = to_arrays("variable", self.vae.variables)
        arrays |= to_arrays("slot", self._adam.slots)
        write_state(file, self._header(), {**arrays, "sums": self._sums})

    def restore(self, file: BinaryIO) -> None:
        """Continues from what `save` wrote; `should_stop` and the images are this trainer's.

        Raises:
            ValueError: If the file is damaged or of a training with other settings; the number of
                epochs in the budget may differ.
        """
        header, arrays = read_state(file)
        check_same_training(header, self._header())
        assign_arrays("variable", self.vae.variables, arrays)
        assign_arrays("slot", self._adam.slots, arrays)
        self._sums = arrays["sums"]
        self.epoch, self._step = header.epoch, header.step
        self.train_seconds = header.train_seconds
        self._batches = None
        self._jit = header.jit

    def _header(self) -> Header:
        return Header(
            format=FORMAT,
            config=self.vae.config.to_json(),
            training=self._training.to_json(),
            num_images=len(self._images),
            scale=self._scale,
            epoch=self.epoch,
            step=self._step,
            train_seconds=self.train_seconds,
            jit=self._jit,
        )

    def close(self) -> None:
        """Gives the model back to where it was borrowed; this trainer must not be used then."""
        if self._models is not None:
            self._models.give_back(self._model)

    def _function(self, key: Any, make: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
        functions = self._model.functions
        if key not in functions:
            with compiling():
                functions[key] = make()
        return functions[key]

    def _chunk(self) -> Callable[..., Any]:
        shape = (self._most_steps if self._jit else None, self._batch_size, *self._images.shape[1:])
        key = ("chunk", shape, self._images.dtype.name, self._scale, self._jit)
        block = tf.TensorSpec(shape, self._images.dtype)
        return self._function(
            key,
            lambda: ready_chunk(self.vae, self._adam, block, scale=self._scale, jit=self._jit),
        )

    def _begin_epoch(self) -> EpochBatches:
        prior = self.vae.prior
        if prior is not None and prior.initialize_at_epoch == self.epoch and self._step == 0:
            chosen = thinned(self._images)
            draws = self.inference.draws(chosen, self._scale)
            prior.initialize(np.asarray(pixels(chosen, self._scale)), draws)
        batches = EpochBatches(
            self._images,
            self._training,
            epoch=self.epoch,
            batch_size=self._batch_size,
            noise_kind=self.vae.posterior.noise_kind,
            noise_width=self.vae.posterior.noise_width,
        )
        batches.skip(self._step)
        return batches

    def _run_chunk(self, chunk: Callable[..., Any], batches: EpochBatches) -> None:
        start = time.perf_counter()
        most = min(self._most_steps, self._steps_per_epoch - self._step)
        num_steps = max(1, min(most, int(_CHUNK_SECONDS / self._seconds_per_step)))
        block, noise = batches.take(num_steps)
        if self._jit and num_steps < self._most_steps:
            block, noise = (padded(array, self._most_steps) for array in (block, noise))
        sums = chunk(
            block,
            noise,
            num_steps,
            self.epoch * self._steps_per_epoch + self._step,
            np.float32(self.beta),
            np.float32(self._training.learning_rate),
            self._sums,
        )
        self._sums = np.asarray(sums)
        self._step += num_steps
        seconds = time.perf_counter() - start
        self.train_seconds += seconds
        self._seconds_per_step = seconds / num_steps

    def _means(self, values: NDArray[Any], beta: float) -> dict[str, float]:
        means = {name: float(v) for name, v in zip(self.vae.term_names, values, strict=True)}
        return {**means, **derived_terms(means, beta)}
