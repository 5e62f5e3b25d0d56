"""The model: written once, a variant is a choice of parts."""

import math
from collections.abc import Callable
from typing import Any, final

import keras
from keras import ops

from vaemodels.config import VAEConfig
from vaemodels.decoders.base import AbstractDecoder
from vaemodels.divergences import kl
from vaemodels.encoders.base import AbstractEncoder
from vaemodels.layers import Tensor
from vaemodels.likelihoods.base import AbstractLikelihood
from vaemodels.posteriors.base import AbstractPosterior, Parameters
from vaemodels.priors.base import AbstractPrior


@final
class VAE:
    """A (variational) autoencoder made of parts; `build_vae` puts them together.

    Not a Keras layer itself: it has no single `call`, and Keras's `losses` means something else.

    Args:
        config: What it was built from.
        encoder: Images to features.
        posterior: Features to q(u|x).
        link: Maps `u` to `z`.
        prior: Over `u`; None for an autoencoder.
        decoder: `z` to outputs.
        likelihood: Outputs to p(x|z).
    """

    def __init__(
        self,
        config: VAEConfig,
        *,
        encoder: AbstractEncoder,
        posterior: AbstractPosterior,
        link: Callable[[Tensor], Tensor],
        prior: AbstractPrior | None,
        decoder: AbstractDecoder,
        likelihood: AbstractLikelihood,
    ):
        self.config = config
        self.encoder = encoder
        self.posterior = posterior
        self.link = link
        self.prior = prior
        self.decoder = decoder
        self.likelihood = likelihood

    @property
    def beta(self) -> float:
        """Weight of the KL term."""
        return self.config.beta

    @property
    def latent_dim(self) -> int:
        """Length of the latent vector `z`."""
        return self.config.latent_dim

    @property
    def num_parameters(self) -> int:
        """Number of weights, moving averages of batch normalisation included."""
        return sum(math.prod(weight.shape) for weight in self.weights)

    @property
    def _parts(self) -> list[keras.layers.Layer]:
        parts = [self.encoder, self.posterior, self.prior, self.decoder, self.likelihood]
        return [part for part in parts if part is not None]

    @property
    def weights(self) -> list[Any]:
        """All weights, in a fixed order."""
        return [weight for part in self._parts for weight in part.weights]

    @property
    def trainable_variables(self) -> list[Any]:
        """The weights that training changes by gradients, in a fixed order."""
        return [weight for part in self._parts for weight in part.trainable_variables]

    @property
    def variables(self) -> list[Any]:
        """The weights and the states of random generators (dropout), in a fixed order."""
        return [variable for part in self._parts for variable in part.variables]

    def parameters(self, images: Tensor, training: bool = False) -> Parameters:
        """Returns the parameters of q(u|x) for images `(batch, height, width, channels)`."""
        if self.config.standardize is not None:
            mean, deviation = self.config.standardize
            images = (images - mean) / deviation
        return self.posterior(self.encoder(images, training=training))

    def losses(
        self, images: Tensor, noise: Tensor, beta: Tensor, training: bool = False
    ) -> dict[str, Tensor]:
        """Returns the loss and its terms, scalars in nats: summed over pixels and latents, mean
        over the batch.

        Args:
            images: float32 in [0, 1], `(batch, height, width, channels)`.
            noise: Base noise `(batch, posterior.noise_width)` of `posterior.noise_kind`.
            beta: Scalar weight of the KL term in `loss`.
            training: Whether dropout is active and batch statistics are used.

        Returns:
            "loss", "reconstruction_loss" and, with a prior, "kl_loss", "beta_kl_loss" and "elbo"
            (at beta = 1).
        """
        parameters = self.parameters(images, training)
        u = self.posterior.sample(parameters, noise)
        outputs = self.decoder(self.link(u), training=training)
        reconstruction_loss = -ops.mean(self.likelihood.log_prob(outputs, images))
        if self.prior is None:
            return {"loss": reconstruction_loss, "reconstruction_loss": reconstruction_loss}
        kl_loss = ops.mean(kl(self.posterior, self.prior, parameters, u))
        beta_kl_loss = beta * kl_loss
        return {
            "loss": reconstruction_loss + beta_kl_loss,
            "reconstruction_loss": reconstruction_loss,
            "kl_loss": kl_loss,
            "beta_kl_loss": beta_kl_loss,
            "elbo": -(reconstruction_loss + kl_loss),
        }

    def encode(self, images: Tensor) -> Tensor:
        """Returns the latent means, `(batch, latent_dim)`, of images in [0, 1]."""
        return self.link(self.posterior.mean(self.parameters(images)))

    def decode(self, z: Tensor) -> Tensor:
        """Returns the decoder's mean images in [0, 1], `(batch, height, width, channels)`."""
        return self.likelihood.mean(self.decoder(z, training=False))

    def reconstruct(self, images: Tensor) -> Tensor:
        """Returns the images decoded from their latent means, in [0, 1]."""
        return self.decode(self.encode(images))
