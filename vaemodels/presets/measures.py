"""What the figures of a trained preset are called, and how each is measured.

| measure | meaning |
|---|---|
| `parameters` | number of weights |
| `train_loss`, `train_reconstruction`, `train_kl` | means over the steps of an epoch |
| `val_...` | the same of the validation images |
| `batch_loss`, `batch_sse`, `batch_beta_kl` | of the last mini-batch, with the training's noise |
| `test_sse` | of the test images, with the training's noise |
| `fid`, `legacy_tvd` | of 10,000 images of the prior; `fid(prior*100)` of another latent sampler |
| `fid_minus_scaled` | `fid` less `fid(prior*100)` |
| `silhouette` | of the test images' codes |
| `pixel_fid`, `pixel_fid_to_sse` | of test images and their reconstructions from draws |
| `code_spread`, `collapse_alarms` | largest standard deviation of a latent; number of alarms |
| `above_linear_optimum` | training loss of the last epoch above the optimum of a linear model |

Losses are in published units: nats, and for a Gaussian likelihood of variance 0.5 without its
constant `num_pixels / 2 * log(pi)`, so that the reconstruction is the sum of squared errors.
`@5` after a name means: after epoch 5.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import refuse
from vaemodels.config import LatentSamplerConfig, TrainingConfig, VAEConfig
from vaemodels.metrics.collapse import collapse_report
from vaemodels.metrics.latent_space import silhouette
from vaemodels.metrics.pixel_fid import pixel_frechet_distance
from vaemodels.noise import base_noise, draw, generator
from vaemodels.presets.images import PresetImages, linear_optimum
from vaemodels.presets.judge import Judge
from vaemodels.training import Trainer

_GENERATED: Final = 10_000
_CODES: Final = 10_000  # of the silhouette


def published_units(terms: Mapping[str, float], config: VAEConfig) -> dict[str, float]:
    """Returns "loss", "reconstruction", "kl" and "beta_kl" of a trainer's terms, those that exist.

    The constant of a Gaussian likelihood of fixed variance v is taken out:
    `num_pixels / 2 * log(2 pi v)`.
    """
    constant = 0.0
    if config.likelihood == "gaussian" and not isinstance(config.variance, str):
        num_pixels = math.prod(config.image_shape)
        constant = num_pixels / 2 * math.log(2 * math.pi * config.variance)
    values = {
        "loss": terms["loss"] - constant,
        "reconstruction": terms["reconstruction_loss"] - constant,
    }
    if "kl_loss" in terms:
        values |= {"kl": terms["kl_loss"], "beta_kl": terms["beta_kl_loss"]}
    return values


@final
class Measures:
    """Measures a model under training, or after it.

    Args:
        trainer: Of the model.
        training: Its training.
        images: Of the preset.
        judge: Called when a figure needs it.
        seed: Of generated images.
    """

    def __init__(
        self,
        trainer: Trainer,
        training: TrainingConfig,
        images: PresetImages,
        judge: Callable[[], Judge],
        seed: int,
    ):
        self._trainer, self._training = trainer, training
        self._images, self._judge, self._seed = images, judge, seed
        self._known: dict[str, Any] = {}
        self._epoch_terms: Mapping[str, float] = {}

    def begin(self, epoch_terms: Mapping[str, float]) -> None:
        """Takes what the trainer said of an epoch, and forgets what was measured before it."""
        self._epoch_terms, self._known = epoch_terms, {}

    def measure(self, name: str) -> float:
        """Returns the figure of a name without `@`, of the model as it is now.

        Raises:
            ValueError: If nothing is called so.
        """
        prefix, _, term = name.partition("_")
        if prefix in ("train", "val", "batch", "test"):
            terms: Any = getattr(self, f"_{prefix}_terms")()
            return float(published_units({**terms}, self._trainer.vae.config)[_term(term)])
        if prefix in ("fid", "legacy") or name.startswith("fid("):
            return self._generated(name)
        method = getattr(self, f"_{name}", None)
        if name not in _OWN or method is None:
            raise refuse("measure", "a name of `vaemodels.presets.measures`", name)
        return float(method())

    def _kept(self, name: str, compute: Callable[[], Any]) -> Any:
        if name not in self._known:
            self._known[name] = compute()
        return self._known[name]

    def _train_terms(self) -> Mapping[str, float]:
        return self._epoch_terms

    def _val_terms(self) -> Mapping[str, float]:
        images = self._images
        terms: Mapping[str, float] = self._kept(
            "val", lambda: self._trainer.evaluate(images.validation, images.scale)
        )
        return terms

    def _batch_terms(self) -> Mapping[str, float]:
        return self._kept("batch", self._last_batch)

    def _last_batch(self) -> dict[str, float]:
        return self._with_training_noise(self._images.train[-self._training.batch_size :])

    def _test_terms(self) -> Mapping[str, float]:
        return self._kept("test", lambda: self._with_training_noise(self._images.test))

    def _with_training_noise(self, images: NDArray[Any]) -> dict[str, float]:
        """Returns the loss terms of images, all with the noise of one training step."""
        vae, size = self._trainer.vae, 1000
        noise = self._training_noise(len(images))
        sums = dict.fromkeys(("loss", "reconstruction_loss", "kl_loss", "beta_kl_loss"), 0.0)
        for start in range(0, len(images), size):
            batch = images[start : start + size].astype(np.float32)
            batch /= np.float32(self._images.scale)
            losses = vae.losses(batch, noise[start : start + size], vae.beta)
            for name in sums.keys() & losses.keys():
                sums[name] += len(batch) * float(losses[name])
        return {name: value / len(images) for name, value in sums.items()}

    def _training_noise(self, num_images: int) -> NDArray[np.float32]:
        """Returns the noise of a step: for "constant" the one draw that every step had."""
        posterior = self._trainer.vae.posterior
        rng = generator(self._training.seed, "training", 0)
        if self._training.noise == "constant":
            row = draw(rng, posterior.noise_kind, (posterior.noise_width,))
            return np.tile(row, (num_images, 1))
        return draw(rng, posterior.noise_kind, (num_images, posterior.noise_width))

    def _generated(self, name: str) -> float:
        if name == "fid_minus_scaled":
            return self._generated("fid") - self._generated("fid(prior*100)")
        measure, _, sampler = name.rstrip(")").partition("(")
        sampler = sampler or "prior"
        figures = self._kept(f"generated {sampler}", lambda: self._judged(sampler))
        return float(figures[measure])

    def _judged(self, sampler: str) -> dict[str, float]:
        judge = self._judge()
        fitted = self._trainer.latent_sampler(LatentSamplerConfig.parse(sampler))
        count = min(_GENERATED, len(self._images.test))
        noise = base_noise("normal", self._seed, count, fitted.noise_width)
        return judge.measure(self._trainer.generate(noise, fitted))

    def _real(self) -> NDArray[np.float32]:
        """Returns the test images in [0, 1]."""
        return self._images.test.astype(np.float32) / np.float32(self._images.scale)

    def _redrawn(self) -> NDArray[np.float32]:
        """Returns the test images' reconstructions from one draw of each posterior, in [0, 1]."""
        inference, images = self._trainer.inference, self._images

        def decode() -> NDArray[np.float32]:
            link = self._trainer.vae.link
            u = link.from_real(inference.draws(images.test, images.scale, self._seed))
            return inference.decode(np.asarray(link(u))).clip(0, 1)

        return self._kept("redrawn", decode)

    def _codes(self) -> NDArray[np.float32]:
        return self._kept(
            "codes", lambda: self._trainer.inference.encode(self._images.test, self._images.scale)
        )

    def _parameters(self) -> float:
        return self._trainer.vae.num_parameters

    def _silhouette(self) -> float:
        codes, labels = self._codes(), self._images.test_labels
        return float(silhouette(codes, labels, max_samples=_CODES))

    def _pixel_fid(self) -> float:
        return float(
            self._kept("pixel_fid", lambda: pixel_frechet_distance(self._real(), self._redrawn()))
        )

    def _pixel_fid_to_sse(self) -> float:
        count = len(self._images.test)
        return self._pixel_fid() / (
            float(_errors(self._real(), self._redrawn()).mean()) * count / (count - 1)
        )

    def _report(self) -> Any:
        """Returns the collapse report of the reconstructions from latent means."""
        images, real = self._images, self._real()
        rebuilt = self._trainer.inference.reconstruct(images.test, images.scale).clip(0, 1)
        return collapse_report(self._codes(), _errors(real, rebuilt), real)

    def _code_spread(self) -> float:
        return float(self._report().max_spread)

    def _collapse_alarms(self) -> float:
        return len(self._report().alarms)

    def _above_linear_optimum(self) -> float:
        images, config = self._images, self._trainer.vae.config
        pair = config.standardize or (0.0, 1.0)
        lowest, _ = linear_optimum(images.train, images.scale, pair, config.latent_dim)
        return self.measure("train_loss") - lowest


_OWN: Final = (
    "parameters",
    "silhouette",
    "pixel_fid",
    "pixel_fid_to_sse",
    "code_spread",
    "collapse_alarms",
    "above_linear_optimum",
)


def _errors(real: NDArray[np.float32], rebuilt: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the sum of squared errors of every image."""
    squares: NDArray[np.float64] = (real.astype(np.float64) - rebuilt) ** 2
    return squares.sum(axis=(1, 2, 3))


def _term(name: str) -> str:
    """Returns the term of the end of a measure's name; `sse` is a reconstruction."""
    term = "reconstruction" if name == "sse" else name
    if term not in ("loss", "reconstruction", "kl", "beta_kl"):
        raise refuse("measure", "loss, reconstruction, sse, kl or beta_kl at its end", name)
    return term
