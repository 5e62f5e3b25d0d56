"""FID and TVD as a user of Keras would compute them: `predict`, NumPy, SciPy's `sqrtm`."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from vaemodels.metrics.image_quality import ImageQuality
from vaemodels.metrics.recipes import build_network, recipe_for


class KerasJudge:
    """The same network as the other side's judge, and the same reference figures.

    Args:
        folder: Of the trained extractor.
        reference: What the other side keeps of the real images.
    """

    def __init__(self, folder: Path, reference: ImageQuality):
        shape, num_classes = reference.extractor.image_shape, reference.extractor.num_classes
        trunk, head = build_network(recipe_for(shape), shape, num_classes, seed=0)
        images = keras.Input(shape)
        features = trunk(images)
        self.network = keras.Model(images, [features, head(features)])
        with np.load(folder / "extractor.npz") as arrays:
            self.network.set_weights([arrays[f"weight_{i}"] for i in range(len(arrays.files))])
        self.statistics, self.frequencies = reference.statistics, reference.frequencies

    def measure(self, images: NDArray[np.float32]) -> dict[str, float]:
        """Returns `fid` and `tvd` of generated images."""
        features, logits = self.network.predict(images, batch_size=1000, verbose=0)
        return {"fid": self._fid(features.astype(np.float64)), "tvd": self._tvd(logits)}

    def _fid(self, features: NDArray[np.float64]) -> float:
        real = self.statistics
        gap = features.mean(axis=0) - real.mean
        covariance = np.cov(features, rowvar=False)
        root: Any = scipy.linalg.sqrtm(real.covariance @ covariance)
        return float(gap @ gap + np.trace(real.covariance + covariance - 2 * root.real))

    def _tvd(self, logits: NDArray[np.float32]) -> float:
        counts = np.bincount(logits.argmax(axis=1), minlength=len(self.frequencies))
        return float(0.5 * np.abs(counts / counts.sum() - self.frequencies).sum())
