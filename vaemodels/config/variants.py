"""Which posterior, prior and link make which variant, as plain names."""

from dataclasses import dataclass
from typing import Final, final

from vaemodels.own import is_own


@final
@dataclass(frozen=True)
class Variant:
    """A composition, by the names of its parts.

    Args:
        posterior: A name in `POSTERIOR_SPACES`.
        prior: A name in `PRIOR_SPACES`; None for an autoencoder, which has no such term.
        latent_sampler: How `z` is drawn after training unless asked otherwise.
    """

    posterior: str
    prior: str | None
    latent_sampler: str = "prior"


VARIANTS: Final = {
    "vae": Variant("gaussian", "standard_normal"),
    "ae": Variant("point", None, "gaussian"),
    "rae": Variant("point", "standard_normal", "gaussian_mixture"),
    "sbvae": Variant("kumaraswamy", "beta_sticks"),
    "dirvae": Variant("gaussian", "laplace_dirichlet"),
    "dirvae_gamma": Variant("dirichlet", "dirichlet"),
    "gmvae": Variant("gaussian", "gaussian_mixture"),
    "vampvae": Variant("gaussian", "vamp"),
    "legacy_sbvae": Variant("legacy_sticks", "standard_normal", "prior"),
}

# Where the density of each is. A pair must agree, or its KL is infinite. One of the user's own is
# over real vectors.
_REAL: Final = "real vectors"
POSTERIOR_SPACES: Final = {
    "gaussian": _REAL,
    "kumaraswamy": _REAL,  # the logits of the stick fractions
    "dirichlet": "the simplex",
    "point": "nothing",
    "legacy_sticks": _REAL,
}
PRIOR_SPACES: Final = {
    "standard_normal": _REAL,
    "gaussian_mixture": _REAL,
    "laplace_dirichlet": _REAL,  # before the softmax
    "beta_sticks": _REAL,
    "dirichlet": "the simplex",
    "vamp": "whatever the posterior is over",
}
SIMPLEX_LINKS: Final = ("softmax", "sticks", "log_simplex")
# The priors and posteriors that read `concentration`.
USES_CONCENTRATION: Final = frozenset(
    {"kumaraswamy", "dirichlet", "beta_sticks", "laplace_dirichlet"}
)
USES_COMPONENTS: Final = frozenset({"gaussian_mixture", "vamp"})


def why_not(posterior: str, prior: str | None) -> str | None:
    """Returns why a posterior and a prior do not go together; None if they do."""
    if posterior == "point":
        if prior in (None, "standard_normal"):
            return None
        return "a point posterior has no density, so only the penalty of standard_normal fits it"
    if prior is None:
        return "without a prior nothing regularises the posterior; posterior='point' needs none"
    if posterior == "legacy_sticks":
        return None if prior == "standard_normal" else "the legacy posterior has its own KL"
    if posterior == "kumaraswamy" and prior == "laplace_dirichlet":
        return "one is over sticks to break, the other over logits of a softmax"
    ours = _REAL if is_own(posterior) else POSTERIOR_SPACES[posterior]
    theirs = _REAL if is_own(prior) else PRIOR_SPACES[prior]
    if prior != "vamp" and ours != theirs:
        return f"the posterior is a density over {ours}, the prior one over {theirs}"
    return None


def link_name(posterior: str, prior: str | None) -> str:
    """Returns the name of the link of a pair that goes together."""
    if posterior == "dirichlet":
        return "log_simplex"
    if prior == "laplace_dirichlet":
        return "softmax"
    if prior == "beta_sticks" or posterior == "kumaraswamy":
        return "sticks"
    return "identity"
