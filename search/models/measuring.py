"""What a trained model scores on one split: losses, judged images, the latent space."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from search.config import StudyConfig
from search.models.vocabulary import EXTRA_METRICS, FEATURE_METRICS, error_of, sampled
from vaemodels.config import LatentSamplerConfig
from vaemodels.data import Dataset, Split
from vaemodels.data.sprites import make_sprites
from vaemodels.inference import thinned, thinned_rows
from vaemodels.latents import FittedSampler
from vaemodels.metrics.collapse import collapse_report
from vaemodels.metrics.disentanglement import disentanglement_score
from vaemodels.metrics.estimate import Estimate
from vaemodels.metrics.image_quality import ImageQuality
from vaemodels.metrics.kid import kernel_inception_distance
from vaemodels.metrics.latent_space import active_units, knn_accuracy, silhouette
from vaemodels.metrics.log_likelihood import log_likelihood
from vaemodels.metrics.neighbours import density_coverage, precision_recall
from vaemodels.metrics.pixel_fid import pixel_frechet_distance
from vaemodels.noise import base_noise
from vaemodels.training import Trainer

# Decoding images times draws: more of either would take longer than the training of a trial.
_LIKELIHOOD_IMAGES: Final = 500
_LIKELIHOOD_DRAWS: Final = 50
_COLLAPSE_IMAGES: Final = 1000
_OF_CODES: Final = frozenset({"silhouette", "knn_accuracy", "disentanglement"})


@final
class Measurer:
    """Measures models of one study in one way: same images, same noise, same judge.

    Args:
        config: The study file; objectives and `measure: metrics` say what costs extra.
        dataset: Its images.
        split: Which of them models are held against.
        judge: Judges generated images; None without labels and without an extractor file.
        seed: Of all noise (common random numbers), so that differences between models are not
            those of their draws.
    """

    def __init__(
        self,
        config: StudyConfig,
        dataset: Dataset,
        split: Split,
        judge: ImageQuality | None,
        seed: int,
    ):
        self._config, self._dataset, self._split = config, dataset, split
        self._judge, self._seed = judge, seed
        self._extra = EXTRA_METRICS & {*config.objectives, *config.measure.metrics}
        self._noise: NDArray[np.float32] = np.empty((config.measure.num_images, 0), np.float32)
        self._features: NDArray[np.float32] | None = None

    def noise(self, width: int) -> NDArray[np.float32]:
        """Returns the study's base noise for generated images, `(num_images, width)`."""
        if width > self._noise.shape[1]:
            # Columns depend on their own number alone, so that the first ones stay as they were.
            self._noise = base_noise("normal", self._seed, len(self._noise), width)
        return np.ascontiguousarray(self._noise[:, :width])

    def measure(self, trainer: Trainer, own: LatentSamplerConfig) -> dict[str, float]:
        """Returns the metrics that exist and are finite in kind; an absent one has no meaning here.

        Args:
            trainer: The model as it is now.
            own: The trial's latent sampler; image metrics of the study's others get its name.
        """
        images, scale = self._split.images, self._dataset.scale
        metrics, means = trainer.evaluate_with_means(images, scale, self._seed)
        metrics["num_parameters"] = float(trainer.vae.num_parameters)
        metrics |= self._collapse(trainer, means) | self._latent_space(trainer, means)
        for name, sampler in self._samplers(trainer, own):
            images = trainer.generate(self.noise(sampler.noise_width), sampler)
            if np.isfinite(images).all():
                found = self._judged(images)
                metrics |= {sampled(metric, name): value for metric, value in found.items()}
        return metrics

    def _samplers(
        self, trainer: Trainer, own: LatentSamplerConfig
    ) -> Iterator[tuple[str, FittedSampler]]:
        configs = {"": own}
        for text in self._config.measure.latent_samplers:
            other = LatentSamplerConfig.parse(text)
            if other != own:
                configs[text] = other
        for name, config in configs.items():
            try:
                yield name, trainer.latent_sampler(config)
            except ValueError:  # codes of a model that has diverged, or a simplex that is scaled
                continue

    def _judged(self, images: NDArray[np.float32]) -> dict[str, float]:
        metrics: dict[str, float] = {}
        if "pixel_fid" in self._extra:
            real = thinned(self._split.images) / np.float32(self._dataset.scale)
            metrics["pixel_fid"] = float(pixel_frechet_distance(real, images))
        if self._judge is None:
            return metrics
        metrics |= self._judge.measure(images)
        if FEATURE_METRICS & self._extra:
            metrics |= self._by_features(self._judge.extractor.features(images)[0])
        return metrics

    def _by_features(self, generated: NDArray[np.float32]) -> dict[str, float]:
        if self._features is None and self._judge is not None:
            scaled = thinned(self._split.images) / np.float32(self._dataset.scale)
            self._features = self._judge.extractor.features(scaled)[0]
        pair: Any = (self._features, generated)
        found: dict[str, Estimate] = {}
        if "kid" in self._extra:
            found["kid"] = kernel_inception_distance(*pair, seed=self._seed)
        if {"precision", "recall"} & self._extra:
            found |= precision_recall(*pair)
        if {"density", "coverage"} & self._extra:
            found |= density_coverage(*pair)
        return self._plain(found)

    def _plain(self, found: Mapping[str, Estimate]) -> dict[str, float]:
        """Returns the estimates that were asked for, each beside its standard error."""
        wanted = {name: value for name, value in found.items() if name in self._extra}
        errors = {error_of(n): e.standard_error for n, e in wanted.items()}
        values = {name: estimate.value for name, estimate in wanted.items()}
        return values | {name: error for name, error in errors.items() if error is not None}

    def _collapse(self, trainer: Trainer, means: NDArray[np.float32]) -> dict[str, float]:
        """Returns how many alarms a model raises that ignores its images, and how it rebuilds."""
        rows = thinned_rows(len(means), _COLLAPSE_IMAGES)
        images = self._split.images[rows] / np.float32(self._dataset.scale)
        rebuilt = trainer.inference.reconstruct_from(means[rows])
        errors = np.square(rebuilt - images).sum(axis=(1, 2, 3))
        # In real coordinates: many weights on a simplex vary little each in a healthy model, too.
        codes = np.asarray(trainer.vae.link.to_real(means[rows]))
        if not (np.isfinite(codes).all() and np.isfinite(errors).all()):
            return {}
        try:
            report = collapse_report(codes, errors, images)
        except ValueError:  # the images are all the same
            return {}
        return {
            "collapse_alarms": float(len(report.alarms)),
            "reconstruction_ratio": report.reconstruction_ratio,
        }

    def _latent_space(self, trainer: Trainer, means: NDArray[np.float32]) -> dict[str, float]:
        metrics: dict[str, float] = {}
        images, scale = self._split.images, self._dataset.scale
        if "log_likelihood" in self._extra and trainer.vae.has_likelihood:
            few = thinned(images, _LIKELIHOOD_IMAGES) / np.float32(scale)
            draws, seed = _LIKELIHOOD_DRAWS, self._seed
            found = log_likelihood(trainer.vae, few, num_samples=draws, seed=seed)
            metrics |= self._plain({"log_likelihood": found})
        if trainer.vae.has_likelihood and np.isfinite(means).all():
            metrics["active_units"] = float(active_units(means))
        if not _OF_CODES & self._extra:
            return metrics
        codes = trainer.inference.encode(images, scale)
        if not np.isfinite(codes).all():
            return metrics
        if "disentanglement" in self._extra:
            score = disentanglement_score(trainer.inference.encode, make_sprites(), seed=self._seed)
            metrics |= self._plain({"disentanglement": score})
        if self._split.labels is not None:
            metrics |= self._by_class(trainer, codes, self._split.labels)
        return metrics

    def _by_class(
        self, trainer: Trainer, codes: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> dict[str, float]:
        found: dict[str, Estimate] = {}
        if len(np.unique(labels)) < 2:
            return {}
        if "silhouette" in self._extra:
            found["silhouette"] = silhouette(codes, labels, seed=self._seed)
        if "knn_accuracy" in self._extra:
            train = self._dataset.train
            train_codes = trainer.inference.encode(thinned(train.images), self._dataset.scale)
            known: Any = thinned(train.labels)  # type: ignore[arg-type]
            found["knn_accuracy"] = knn_accuracy(train_codes, known, codes, labels)
        return self._plain(found)
