"""Images drawn from a likelihood p(x|z): pixels, not the mean that is usually shown."""

from typing import Any

from keras import ops

from vaemodels.layers import Tensor
from vaemodels.likelihoods import AbstractLikelihood, BernoulliLikelihood, GaussianLikelihood


def can_be_drawn(likelihood: AbstractLikelihood) -> bool:
    """Returns whether `draw_images` knows a likelihood; it does not know the user's own."""
    return isinstance(likelihood, BernoulliLikelihood | GaussianLikelihood)


def pixel_noise_kind(likelihood: AbstractLikelihood) -> str:
    """Returns which base noise `draw_images` takes: "uniform" for a Bernoulli, else "normal"."""
    return "uniform" if isinstance(likelihood, BernoulliLikelihood) else "normal"


def draw_images(likelihood: AbstractLikelihood, outputs: Tensor, noise: Tensor) -> Tensor:
    """Returns one draw x ~ p(x|z) per row, in pixels, `(batch, height, width, channels)`.

    A Bernoulli gives black and white pixels. A Gaussian adds `sqrt(variance) * noise` to the mean,
    with the deviation of the standardised pixels where it is over these; draws are not clipped, so
    they leave [0, 1], as the density does.

    Args:
        likelihood: Of the model.
        outputs: What the decoder gave, of the same shape.
        noise: Of the same shape and of the likelihood's `pixel_noise_kind`.
    """
    if isinstance(likelihood, BernoulliLikelihood):
        return ops.cast(noise < ops.sigmoid(outputs), "float32")
    assert isinstance(likelihood, GaussianLikelihood)
    log_var: Any = ops.convert_to_tensor(likelihood.log_var(), dtype="float32")
    drawn = ops.exp(0.5 * log_var) * noise
    if likelihood.standardize is None:
        return ops.sigmoid(outputs) + drawn
    mean, deviation = likelihood.standardize
    return mean + deviation * (outputs + drawn)
