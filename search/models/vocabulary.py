"""The names a study file may use: model and training params, and the metrics of a measurement.

Plain data, so that a study file is checked before Keras is imported.
"""

from typing import Final

from vaemodels.own import is_own as is_own

# name -> what it sets; `search.models.params` maps each onto a `vaemodels` configuration.
MODEL_PARAMS: Final[dict[str, str]] = {
    "variant": "vae, ae, rae, sbvae, dirvae, dirvae_gamma, gmvae or vampvae",
    "prior": "in place of the variant's: standard_normal, gaussian_mixture, vamp, beta_sticks, ...",
    "posterior": "in place of the variant's: gaussian, kumaraswamy, dirichlet, point",
    "backbone": "dense, conv, recurrent or hybrid: what encoder and decoder are made of",
    "latent_dim": "length of the latent vector z, >= 1",
    "beta": "weight of the KL term, >= 0; 1 is the plain VAE",
    "beta_warmup_epochs": "epochs over which beta grows from 0 to its value",
    "beta_cycle_epochs": "epochs of one rise and stay of beta, again and again",
    "free_bits": "nats that the loss charges for each latent dimension at least",
    "concentration": "of the prior of sbvae and dirvae, > 0",
    "num_components": "of the learned prior of gmvae and vampvae, >= 1",
    "decoder_l2": "weight of the decoder's squared kernels in the loss, >= 0",
    "encoder": "in place of the backbone's: a function of your `code`, such as my_parts:encoder",
    "decoder": "in place of the backbone's: a function of your `code`, such as my_parts:decoder",
    "likelihood": "bernoulli or gaussian",
    "variance": "of the gaussian likelihood: > 0, or learned; the same knob as beta",
    "standardize": "[mean, standard deviation] that pixels are standardised with",
    "widths": "dense layers of the encoder, and reversed of the decoder; a list or 512-256-128",
    "decoder_widths": "dense layers of the decoder, in place of the reversed `widths`",
    "filters": "convolutions of the encoder, and reversed of the decoder",
    "decoder_filters": "convolutions of the decoder, in place of the reversed `filters`",
    "kernel_size": "of every convolution, or a list, one per convolution",
    "strides": "of every convolution, or a list, one per convolution",
    "padding": "same or valid",
    "pool": "none, max or average: pooling after every convolution of the encoder",
    "cell": "of recurrent layers: gru or lstm",
    "units": "recurrent layers of the encoder, and reversed of the decoder",
    "decoder_units": "recurrent layers of the decoder, in place of the reversed `units`",
    "encoder_layers": "of a hybrid, one by one: [{layer: conv, filters: 16}, ...]",
    "decoder_layers": "of a hybrid, one by one, to the image",
    "activation": "of hidden layers: relu, leaky_relu, elu, gelu, silu, tanh, ...",
    "batch_norm": "true or false: batch normalisation after every hidden layer",
    "dropout": "share of units dropped while training, in [0, 1); encoder and decoder",
    "learning_rate": "of Adam, > 0",
    "batch_size": "images per step, >= 1",
    "latent_sampler": "how z is drawn: prior, gaussian, gaussian_mixture or copula",
    "latent_scale": "factor of the drawn z, > 0; 1 is as drawn",
    "latent_shift": "added to the drawn z",
}

# What options of the user's own parts of models begin with: `own.filters` is their `filters`.
OWN: Final = "own."

# name -> natural direction. First what is always measured, then what is measured when it is an
# objective or listed under `measure: metrics`.
METRICS: Final[dict[str, str]] = {
    "fid": "minimize",
    "tvd": "minimize",
    "max_class_gap": "minimize",
    "reconstruction_loss": "minimize",
    "kl_loss": "minimize",
    "elbo": "maximize",
    "num_parameters": "minimize",
    "train_seconds": "minimize",
    "active_units": "maximize",
    "kid": "minimize",
    "precision": "maximize",
    "recall": "maximize",
    "density": "maximize",
    "coverage": "maximize",
    "pixel_fid": "minimize",
    "log_likelihood": "maximize",
    "silhouette": "maximize",
    "knn_accuracy": "maximize",
    "disentanglement": "maximize",
}

FEATURE_METRICS: Final = frozenset({"kid", "precision", "recall", "density", "coverage"})
EXTRA_METRICS: Final = FEATURE_METRICS | {
    "pixel_fid",
    "log_likelihood",
    "active_units",  # always measured where a model has them; may be listed all the same
    "silhouette",
    "knn_accuracy",
    "disentanglement",  # of the data set `sprites`, whose factors are known
}
# Need a feature extractor.
JUDGED_METRICS: Final = frozenset({"fid", "tvd", "max_class_gap"}) | FEATURE_METRICS
# What a training takes: of the machine as well, so that repeating it gives other values.
COSTS: Final = frozenset(
    {"train_seconds", "images_per_second", "peak_memory_mb", "peak_gpu_memory_mb"}
)
# Of generated images, so that they differ between latent samplers.
IMAGE_METRICS: Final = JUDGED_METRICS | {"pixel_fid"}


# Need labels of at least 2 classes.
LABEL_METRICS: Final = frozenset({"silhouette", "knn_accuracy"})


def error_of(metric: str) -> str:
    """Returns the name under which the standard error of a metric is kept."""
    return f"{metric}_se"


def sampled(metric: str, sampler: str) -> str:
    """Returns the name of an image metric under a latent sampler; "" is the trial's own."""
    return f"{metric}@{sampler}" if sampler else metric
