import dataclasses
from collections.abc import Mapping
from typing import Any, final

from vaemodels.checks import (
    check_at_least,
    check_in_range,
    check_number_at_least,
    check_one_of,
    is_number,
    refuse,
)
from vaemodels.config.backbone import BackboneConfig, backbone_from_json, check_decoder
from vaemodels.config.dense import DenseConfig
from vaemodels.config.own import OwnConfig
from vaemodels.config.plain import from_plain, plain, set_integers
from vaemodels.config.variants import (
    POSTERIOR_SPACES,
    PRIOR_SPACES,
    SIMPLEX_LINKS,
    USES_CONCENTRATION,
    VARIANTS,
    link_name,
    why_not,
)
from vaemodels.own import is_own

LIKELIHOODS = ("bernoulli", "gaussian")
_FACTORISED = (
    ("gaussian", "standard_normal"),
    ("gaussian", "laplace_dirichlet"),
    ("kumaraswamy", "beta_sticks"),
)


@final
@dataclasses.dataclass(frozen=True)
class VAEConfig:
    """One model.

    The loss of an image is `-log p(x|z) + beta * KL`, in nats, summed over pixels and latents.

    Args:
        image_shape: (height, width, channels), each >= 1.
        latent_dim: Integer >= 1, length of the latent vector `z`.
        variant: A name in `VARIANTS`: "vae", "ae" (a point posterior without prior, for which beta
            means nothing), "rae" (a point and the penalty `beta * |z|**2 / 2`), "sbvae"
            (stick-breaking), "dirvae" (Dirichlet, as a softmax of normals), "dirvae_gamma"
            (Dirichlet, exactly), "gmvae" and "vampvae" (learned priors).
        beta: Weight of the KL term, >= 0. Exactly 0 keeps the sampling noise, unlike "ae".
        likelihood: "bernoulli" (cross-entropy from logits), "gaussian", or one of the user's own.
        variance: Of "gaussian" alone: a number > 0 in squared pixel units (0.5 is the sum of
            squared errors plus a constant), or "learned": one scalar for all pixels.
        standardize: (mean, standard deviation) of the pixels in [0, 1], or None. The encoder then
            sees standardised pixels, and a Gaussian likelihood is over them, with a linear decoder
            output. Without it the mean of a Gaussian passes a sigmoid. (0, 1) is raw pixels with
            a linear output.
        encoder: From image to the parameters of the posterior.
        decoder: From `z` to image; widths and filters in this order.
        posterior: In place of the variant's: a name in `POSTERIOR_SPACES`, or the user's own.
        prior: In place of the variant's: a name in `PRIOR_SPACES`, or the user's own.
        concentration: Of the prior of weights on a simplex, > 0. By default 5 for sticks, and
            `1 - 1 / latent_dim` for a Dirichlet.
        num_components: Integer >= 1, of a mixture prior, or pseudo-inputs of a VampPrior.
        free_bits: Nats >= 0 that the loss charges for each latent dimension at least; for pairs of
            posterior and prior whose KL splits into dimensions.
        decoder_l2: Weight >= 0 of the decoder's squared kernels in the loss; with "rae" it is
            RAE-L2 (Ghosh et al., 2020, https://arxiv.org/abs/1903.12436).
        head_activation: "linear", or "relu" for a Gaussian posterior as in the 2023 thesis.
        own: Options of the parts that are functions of the user's (`vaemodels.own`), by name.

    Raises:
        ValueError: If a value is outside its range.
    """

    image_shape: tuple[int, int, int]
    latent_dim: int
    variant: str = "vae"
    beta: float = 1.0
    likelihood: str = "bernoulli"
    variance: float | str = 0.5
    standardize: tuple[float, float] | None = None
    encoder: BackboneConfig = dataclasses.field(default_factory=DenseConfig)
    decoder: BackboneConfig = dataclasses.field(
        default_factory=lambda: DenseConfig(widths=(128, 256))
    )
    posterior: str | None = None
    prior: str | None = None
    concentration: float | None = None
    num_components: int = 10
    free_bits: float = 0.0
    decoder_l2: float = 0.0
    head_activation: str = "linear"
    own: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "own", dict(self.own))
        set_integers(self, "image_shape", allow_empty=False)
        if len(self.image_shape) != 3:
            raise refuse("image_shape", "(height, width, channels)", self.image_shape)
        check_at_least(1, latent_dim=self.latent_dim)
        check_one_of(VARIANTS, variant=self.variant)
        check_number_at_least(0, beta=self.beta)
        if not is_own(self.likelihood):
            check_one_of(LIKELIHOODS, likelihood=self.likelihood)
        if self.variance != "learned" and not (is_number(self.variance) and self.variance > 0):  # type: ignore[operator]
            raise refuse("variance", "a finite number > 0 or 'learned'", self.variance)
        self._check_standardize()
        self._check_latent_space()
        for name in ("encoder", "decoder"):
            object.__setattr__(self, name, backbone_from_json(name, getattr(self, name)))
        check_decoder(self.decoder, self.image_shape, self.latent_dim)
        if self.own and not self.own_parts:
            advice = "No part of the model is of your own."
            raise refuse("own", "no options", dict(self.own), advice)

    @property
    def own_parts(self) -> list[str]:
        """Names of the functions of the user's from which parts of the model come."""
        backbones = [c.function for c in (self.encoder, self.decoder) if isinstance(c, OwnConfig)]
        others = [self.posterior, self.prior, self.likelihood]
        return backbones + [name for name in others if name is not None and is_own(name)]

    @property
    def posterior_name(self) -> str:
        """Name of the posterior."""
        return self.posterior or VARIANTS[self.variant].posterior

    @property
    def prior_name(self) -> str | None:
        """Name of the prior, None without one."""
        return self.prior or VARIANTS[self.variant].prior

    @property
    def link_name(self) -> str:
        """Name of the map from the posterior's variable to `z`."""
        return link_name(self.posterior_name, self.prior_name)

    @property
    def concentration_used(self) -> float:
        """The concentration, with its default filled in."""
        if self.concentration is not None:
            return self.concentration
        return 5.0 if self.link_name == "sticks" else 1.0 - 1.0 / max(self.latent_dim, 2)

    def _check_latent_space(self) -> None:
        if not is_own(self.posterior):
            check_one_of((None, *POSTERIOR_SPACES), posterior=self.posterior)
        if not is_own(self.prior):
            check_one_of((None, *PRIOR_SPACES), prior=self.prior)
        parts = self.posterior_name, self.prior_name
        reason = why_not(*parts)
        if reason is not None:
            expected = "a posterior and a prior that go together"
            raise refuse("prior", expected, f"{parts[0]} with {parts[1]}", f"Here {reason}.")
        if self.link_name in SIMPLEX_LINKS and self.latent_dim < 2:
            raise refuse("latent_dim", "an integer >= 2, weights on a simplex", self.latent_dim)
        check_at_least(1, num_components=self.num_components)
        check_number_at_least(0, free_bits=self.free_bits, decoder_l2=self.decoder_l2)
        check_one_of(("linear", "relu"), head_activation=self.head_activation)
        if self.concentration is not None:
            check_in_range(0.02, 500, concentration=self.concentration)
            if not USES_CONCENTRATION.intersection(parts):
                raise refuse("concentration", f"None for {parts}", self.concentration)
        if self.head_activation != "linear" and self.posterior_name != "gaussian":
            raise refuse("head_activation", "'linear' but for a Gaussian", self.head_activation)
        if self.free_bits > 0 and parts not in _FACTORISED:
            advice = f"The KL of {parts} does not split into dimensions."
            raise refuse("free_bits", "0", self.free_bits, advice)

    def _check_standardize(self) -> None:
        if self.standardize is None:
            return
        values = self.standardize
        pair = isinstance(values, tuple | list) and len(values) == 2
        if not pair or not all(is_number(value) for value in values) or values[1] <= 0:
            raise refuse("standardize", "None or (mean, standard deviation > 0)", values)
        object.__setattr__(self, "standardize", tuple(float(value) for value in values))

    def to_json(self) -> dict[str, Any]:
        """Returns the config as plain values that `json.dumps` takes."""
        nested = {"encoder": self.encoder.to_json(), "decoder": self.decoder.to_json()}
        values = {**plain(self), **nested}
        if not self.own:  # as states and models that were stored before there were such options
            del values["own"]
        return values

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "VAEConfig":
        """Returns the config of `to_json`; an unknown key raises `ValueError`."""
        return from_plain(VAEConfig, values)
