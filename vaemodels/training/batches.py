from typing import final

import numpy as np
from numpy.typing import NDArray

from vaemodels.config import TrainingConfig
from vaemodels.noise import draw, generator


@final
class EpochBatches:
    """The images and the noise of one epoch, step by step, from (seed, epoch) alone.

    How many steps are taken at once does not change what they contain.

    Args:
        images: `(num_images, height, width, channels)`, possibly memory-mapped.
        training: Its seed, and how it orders images and draws noise.
        epoch: Number of finished epochs, >= 0.
        batch_size: At most the number of images; an incomplete last batch is left out.
        noise_kind: "normal" or "uniform".
        noise_width: Columns of noise, 0 for none.
    """

    def __init__(
        self,
        images: NDArray[np.generic],
        training: TrainingConfig,
        *,
        epoch: int,
        batch_size: int,
        noise_kind: str,
        noise_width: int,
    ):
        self.epoch = epoch
        self._images = images
        self._batch_size = batch_size
        seed = training.seed
        self._order = np.arange(len(images))
        if training.order == "shuffled":
            self._order = generator(seed, "permutation", epoch).permutation(len(images))
        self._constant = None
        if training.noise == "constant":
            self._constant = draw(generator(seed, "training", 0), noise_kind, (noise_width,))
        self._rng = generator(seed, "training", epoch)
        self._kind, self._width = noise_kind, noise_width
        self._next = 0

    def _noise(self, num_steps: int) -> NDArray[np.float32]:
        if self._constant is not None:
            shape = (num_steps, self._batch_size, self._width)
            return np.ascontiguousarray(np.broadcast_to(self._constant, shape))
        return draw(self._rng, self._kind, (num_steps, self._batch_size, self._width))

    def skip(self, num_steps: int) -> None:
        """Passes over steps that were taken before."""
        for _ in range(num_steps):  # one at a time: an epoch of noise may be large
            self._noise(1)
        self._next += num_steps

    def take(self, num_steps: int) -> tuple[NDArray[np.generic], NDArray[np.float32]]:
        """Returns images `(num_steps, batch, h, w, c)` and noise `(num_steps, batch, width)`."""
        size = self._batch_size
        chosen = self._order[self._next * size : (self._next + num_steps) * size]
        self._next += num_steps
        block = self._images[chosen].reshape(num_steps, size, *self._images.shape[1:])
        return block, self._noise(num_steps)
