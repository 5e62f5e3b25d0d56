import math
from collections.abc import Callable
from typing import Any, final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from vaemodels.checks import check_at_least
from vaemodels.layers import Tensor
from vaemodels.posteriors.base import AbstractPosterior, Parameters
from vaemodels.priors.base import AbstractPrior
from vaemodels.priors.gaussian_mixture import choose_components
from vaemodels.special import normal_to_uniform


@final
class VampPrior(AbstractPrior):
    """The equal mixture of the posteriors of learned images, the pseudo-inputs.

    Their pixels pass a sigmoid, so that they stay in [0, 1] and keep a gradient; they start as
    training images.

    Args:
        posterior: Of the model.
        parameters: From images in [0, 1] to the posterior's parameters; the model's own encoder.
        image_shape: (height, width, channels).
        num_components: Integer >= 1, number of pseudo-inputs.
        seed: Integer that fixes the pseudo-inputs before `initialize`.

    References:
        Tomczak & Welling, 2018, https://arxiv.org/abs/1705.07120
    """

    initialize_at_epoch = 0

    def __init__(
        self,
        posterior: AbstractPosterior,
        parameters: Callable[[Tensor], Parameters],
        image_shape: tuple[int, int, int],
        num_components: int = 10,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(posterior.num_dims, **kwargs)
        check_at_least(1, num_components=num_components)
        self.num_components = num_components
        # Functions, because Keras counts the weights of a layer that is an attribute as ours.
        self._posterior = lambda: posterior
        self._parameters = parameters
        self.noise_width = posterior.noise_width + 1  # the last column chooses the component
        start = keras.initializers.RandomNormal(stddev=1.0, seed=seed % 2**31)
        shape = (num_components, *image_shape)
        self.logits = self.add_weight(shape=shape, initializer=start, name="pseudo_inputs")

    def pseudo_inputs(self) -> Tensor:
        """Returns the learned images in [0, 1], `(num_components, height, width, channels)`."""
        return ops.sigmoid(self.logits)

    def log_prob(self, u: Tensor) -> Tensor:
        parameters = self._parameters(self.pseudo_inputs())
        densities = self._posterior().log_prob(parameters, u[..., None, :])
        return ops.logsumexp(densities, axis=-1) - math.log(self.num_components)

    def sample(self, noise: Tensor) -> Tensor:
        weights = ops.full((self.num_components,), 1.0 / self.num_components)
        chosen = choose_components(weights, noise[:, -1])
        parameters = self._parameters(self.pseudo_inputs())
        parameters = {name: ops.take(p, chosen, axis=0) for name, p in parameters.items()}
        posterior, base = self._posterior(), noise[:, :-1]
        base = normal_to_uniform(base) if posterior.noise_kind == "uniform" else base
        return posterior.sample(parameters, base)

    def initialize(self, images: NDArray[np.float32], codes: NDArray[np.float32]) -> None:
        chosen = np.linspace(0, len(images) - 1, self.num_components).astype(np.int64)
        pixels = images[chosen].clip(0.01, 0.99)
        self.logits.assign(np.log(pixels) - np.log1p(-pixels))
