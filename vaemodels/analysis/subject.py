"""What an analysis looks at: a model, images it has not seen, and how latent vectors are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from vaemodels.checks import check_positive, refuse
from vaemodels.config import LatentSamplerConfig
from vaemodels.config.variants import VARIANTS
from vaemodels.data import Dataset
from vaemodels.inference import Inference
from vaemodels.latents import FittedSampler
from vaemodels.metrics.arrays import check_images, check_labels
from vaemodels.noise import base_noise

MOST_IMAGES: Final = 5_000  # that numbers are computed from: a second of silhouettes


@final
@dataclass(frozen=True, eq=False)
class AnalysisImages:
    """Real images that a model is held against.

    Args:
        images: `(num_images >= 1, height, width, channels)`, uint8 or float32, that were not
            trained on; at most 5,000 are used, evenly spread.
        scale: Value > 0 of a white pixel, also of `train_images`.
        labels: `(num_images,)` integers, or None.
        class_names: In the order of the labels; by default their numbers.
        train_images: What latent samplers are fitted to; None if there are none.

    Raises:
        ValueError: If a value is NaN or outside its range, or shapes do not fit.
    """

    images: NDArray[Any]
    scale: float = 1.0
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    train_images: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        check_positive(scale=self.scale)
        check_images(1, images=self.few)
        if self.labels is not None:
            check_labels(len(self.images), labels=self.labels)
            if self.labels.min() < 0:
                raise refuse("labels", "integers >= 0", int(self.labels.min()))

    @classmethod
    def of(cls, dataset: Dataset) -> "AnalysisImages":
        """Returns the test images of a data set; latent samplers are fitted to the others."""
        test = dataset.test
        return cls(
            test.images, dataset.scale, test.labels, dataset.class_names, dataset.train.images
        )

    @cached_property
    def few(self) -> NDArray[np.float32]:
        """At most 5,000 images as float32 in [0, 1]."""
        return self.images[self._rows].astype(np.float32) / np.float32(self.scale)

    @cached_property
    def few_labels(self) -> NDArray[np.int64] | None:
        """Their labels, or None."""
        return None if self.labels is None else np.asarray(self.labels[self._rows], np.int64)

    def name(self, label: int) -> str:
        """Returns the name of a class."""
        return self.class_names[label] if label < len(self.class_names) else str(label)

    @property
    def _rows(self) -> NDArray[np.int64]:
        count = len(self.images)
        return np.linspace(0, max(count - 1, 0), min(count, MOST_IMAGES)).astype(np.int64)


@final
class Subject:
    """A model with all that analyses share; codes and reconstructions are computed once.

    Args:
        inference: The model.
        data: Real images of the model's shape; None for what needs none.
        samplers: How latent vectors are drawn, fitted already or to be fitted; by default as the
            variant does, or from its prior where there are no training images to fit one to.
        seed: Integer >= 0, of all draws.

    Raises:
        ValueError: If the images are not the model's, a sampler does not go with the model, or a
            code is not finite.

    Attributes:
        inference: The model.
        data: The images, or None.
        samplers: By name, at least one.
        seed: Of all draws.
    """

    def __init__(
        self,
        inference: Inference,
        data: AnalysisImages | None,
        samplers: Sequence[LatentSamplerConfig | FittedSampler] = (),
        seed: int = 0,
    ):
        self.inference, self.data, self.seed = inference, data, seed
        shape = tuple(inference.vae.config.image_shape)
        if data is not None and data.images.shape[1:] != shape:
            expected = f"images of the model's shape, {shape}"
            raise refuse("images", expected, data.images.shape[1:])
        fitted = [self._fitted(item) for item in samplers or [self._default_sampler()]]
        self.samplers = {str(sampler.config): sampler for sampler in fitted}
        if data is not None and not np.isfinite(self.codes).all():
            raise refuse("model", "finite codes", "NaN or infinite ones", "Did training diverge?")

    @property
    def vae(self) -> Any:
        """The model."""
        return self.inference.vae

    @cached_property
    def images(self) -> NDArray[np.float32]:
        """Real images in [0, 1], `(num_images, height, width, channels)`."""
        if self.data is None:
            raise refuse("data", "images for this analysis", None)
        return self.data.few

    @property
    def labels(self) -> NDArray[np.int64]:
        """Their classes, `(num_images,)`."""
        labels = None if self.data is None else self.data.few_labels
        if labels is None:
            raise refuse("labels", "labelled images for this analysis", None)
        return labels

    @cached_property
    def codes(self) -> NDArray[np.float32]:
        """Codes `z` of the images, `(num_images, latent_dim)`."""
        return self.inference.encode(self.images)

    @cached_property
    def real_codes(self) -> NDArray[np.float32]:
        """Codes in real coordinates, `(num_images, num_dims)`: log-ratios for a simplex."""
        means = self.inference.means(self.images)
        return np.asarray(self.vae.link.to_real(means), dtype=np.float32)

    @cached_property
    def reconstructions(self) -> NDArray[np.float32]:
        """The images decoded from their codes."""
        return self.inference.decode(self.codes)

    def latents(self, real: NDArray[Any]) -> NDArray[np.float32]:
        """Returns `z` `(num, latent_dim)` of real coordinates `(num, num_dims)`."""
        link = self.vae.link
        z: NDArray[np.float32] = np.asarray(link(link.from_real(real.astype(np.float32))))
        return z

    def draw_latents(self, sampler: FittedSampler, count: int) -> NDArray[np.float32]:
        """Returns `count` draws `z` of a latent sampler; fewer are the first ones of more."""
        return sampler.draw(base_noise("normal", self.seed, count, sampler.noise_width))

    def _default_sampler(self) -> LatentSamplerConfig:
        own = LatentSamplerConfig(VARIANTS[self.vae.config.variant].latent_sampler)
        has_training = self.data is not None and self.data.train_images is not None
        return own if has_training else LatentSamplerConfig("prior")

    def _fitted(self, config: LatentSamplerConfig | FittedSampler) -> FittedSampler:
        if isinstance(config, FittedSampler):
            return config
        train = None if self.data is None else self.data.train_images
        if config.kind != "prior" and train is None:
            advice = "A fitted latent sampler needs training images."
            raise refuse(
                "samplers", "'prior', with or without scale and shift", str(config), advice
            )
        images = np.empty((0,)) if train is None else train
        scale = 1.0 if self.data is None else self.data.scale
        return self.inference.latent_sampler(images, scale, config)
