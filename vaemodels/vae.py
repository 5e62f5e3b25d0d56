"""The model: written once, a variant is a choice of parts."""

import math
from collections.abc import Mapping
from typing import Any, final

import keras
from keras import ops

from vaemodels.config import VAEConfig
from vaemodels.decoders.base import AbstractDecoder
from vaemodels.divergences import kl, kl_per_dimension
from vaemodels.encoders.base import AbstractEncoder
from vaemodels.layers import Tensor
from vaemodels.likelihoods.base import AbstractLikelihood
from vaemodels.links import Link
from vaemodels.posteriors.base import AbstractPosterior, Parameters
from vaemodels.priors.base import AbstractPrior


def standardized(images: Tensor, standardize: tuple[float, float] | None) -> Tensor:
    """Returns images with (mean, standard deviation) taken out, as an encoder sees them."""
    return images if standardize is None else (images - standardize[0]) / standardize[1]


def derived_terms(terms: Mapping[str, Any], beta: Any) -> dict[str, Any]:
    """Returns "beta_kl_loss" and "elbo" (at beta = 1), or "beta_penalty_loss"; whichever exist."""
    if "kl_loss" in terms:
        elbo = -(terms["reconstruction_loss"] + terms["kl_loss"])
        return {"beta_kl_loss": beta * terms["kl_loss"], "elbo": elbo}
    if "penalty_loss" in terms:
        return {"beta_penalty_loss": beta * terms["penalty_loss"]}
    return {}


@final
class VAE:
    """A (variational) autoencoder made of parts; `build` puts them together.

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
        link: Link,
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

    def with_config(self, config: VAEConfig) -> "VAE":
        """Returns a model of the same parts, weights included, under a config of their kind."""
        return VAE(
            config,
            encoder=self.encoder,
            posterior=self.posterior,
            link=self.link,
            prior=self.prior,
            decoder=self.decoder,
            likelihood=self.likelihood,
        )

    @property
    def beta(self) -> float:
        """Weight of the KL term."""
        return self.config.beta

    @property
    def latent_dim(self) -> int:
        """Length of the latent vector `z`."""
        return self.config.latent_dim

    @property
    def has_likelihood(self) -> bool:
        """Whether it gives images a likelihood, and has a KL; an autoencoder does not."""
        return self.prior is not None and self.posterior.has_density

    @property
    def term_names(self) -> tuple[str, ...]:
        """Names of the terms that `losses` computes, in a fixed order; others follow from them.

        Besides "loss" and "reconstruction_loss" a model with a prior has "kl_loss", or
        "penalty_loss" where its posterior is a point.
        """
        if self.prior is None:
            return ("loss", "reconstruction_loss")
        name = "kl_loss" if self.posterior.has_density else "penalty_loss"
        return ("loss", "reconstruction_loss", name)

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
        images = standardized(images, self.config.standardize)
        return self.posterior(self.encoder(images, training=training))

    def losses(
        self,
        images: Tensor,
        noise: Tensor,
        beta: Tensor,
        training: bool = False,
        parameters: Parameters | None = None,
    ) -> dict[str, Tensor]:
        """Returns the loss and its terms, scalars in nats: summed over pixels and latents, mean
        over the batch.

        With free bits, "loss" charges each dimension at least so much, and "kl_loss" is the true
        divergence all the same.

        Args:
            images: float32 in [0, 1], `(batch, height, width, channels)`.
            noise: Base noise `(batch, posterior.noise_width)` of `posterior.noise_kind`.
            beta: Scalar weight of the KL term in "loss".
            training: Whether dropout is active and batch statistics are used.
            parameters: Of q(u|x), if they are known already.

        Returns:
            The terms in `term_names` and the `derived_terms`.
        """
        if parameters is None:
            parameters = self.parameters(images, training)
        u = self.posterior.sample(parameters, noise)
        outputs = self.decoder(self.link(u), training=training)
        reconstruction_loss = -ops.mean(self.likelihood.log_prob(outputs, images))
        terms = {"loss": reconstruction_loss, "reconstruction_loss": reconstruction_loss}
        if self.prior is not None:
            true, charged = self._regularizer(self.prior, parameters, u)
            terms["kl_loss" if self.posterior.has_density else "penalty_loss"] = true
            terms["loss"] = terms["loss"] + beta * charged
        if self.config.decoder_l2 > 0:
            terms["loss"] = terms["loss"] + self.config.decoder_l2 * self._decoder_squares()
        return {**terms, **derived_terms(terms, beta)}

    def _regularizer(
        self, prior: AbstractPrior, parameters: Parameters, u: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns the batch mean of the KL, and of what the loss charges for it."""
        if self.config.free_bits == 0:
            true = ops.mean(kl(self.posterior, prior, parameters, u))
            return true, true
        means = ops.mean(kl_per_dimension(self.posterior, prior, parameters), axis=0)
        return ops.sum(means), ops.sum(ops.maximum(means, self.config.free_bits))

    def _decoder_squares(self) -> Tensor:
        # By name: the biases of a recurrent layer are matrices too.
        kernels = [v for v in self.decoder.trainable_variables if v.name.endswith("kernel")]
        return sum(ops.sum(ops.square(kernel)) for kernel in kernels)

    def encode(self, images: Tensor) -> Tensor:
        """Returns the codes, `(batch, latent_dim)`, of images in [0, 1]: their latent means."""
        return self.link(self.posterior.mean(self.parameters(images)))

    def decode(self, z: Tensor) -> Tensor:
        """Returns the decoder's mean images in [0, 1], `(batch, height, width, channels)`."""
        return self.likelihood.mean(self.decoder(z, training=False))

    def reconstruct(self, images: Tensor) -> Tensor:
        """Returns the images decoded from their latent means, in [0, 1]."""
        return self.decode(self.encode(images))
