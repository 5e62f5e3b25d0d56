"""The names a study file may use: model and training params, and the metrics of a measurement.

Plain data, so that a study file is checked before Keras is imported.
"""

from typing import Final

# name -> what it sets; `search.models.params` maps each onto a `vaemodels` configuration.
MODEL_PARAMS: Final[dict[str, str]] = {
    "variant": "vae or ae (a deterministic autoencoder)",
    "backbone": "dense or conv: what encoder and decoder are made of",
    "latent_dim": "length of the latent vector z, >= 1",
    "beta": "weight of the KL term, >= 0; 1 is the plain VAE",
    "beta_warmup_epochs": "epochs over which beta grows from 0 to its value",
    "likelihood": "bernoulli or gaussian",
    "variance": "of the gaussian likelihood: > 0, or learned; the same knob as beta",
    "standardize": "[mean, standard deviation] that pixels are standardised with",
    "widths": "dense layers of the encoder, and reversed of the decoder",
    "decoder_widths": "dense layers of the decoder, in place of the reversed `widths`",
    "filters": "convolutions of the encoder, and reversed of the decoder",
    "decoder_filters": "convolutions of the decoder, in place of the reversed `filters`",
    "kernel_size": "of every convolution, or a list, one per convolution",
    "strides": "of every convolution, or a list, one per convolution",
    "padding": "same or valid",
    "pool": "none, max or average: pooling after every convolution of the encoder",
    "activation": "of hidden layers: relu, leaky_relu, elu, gelu, silu, tanh, ...",
    "batch_norm": "true or false: batch normalisation after every hidden layer",
    "dropout": "share of units dropped while training, in [0, 1); encoder and decoder",
    "learning_rate": "of Adam, > 0",
    "batch_size": "images per step, >= 1",
}

# name -> natural direction
METRICS: Final[dict[str, str]] = {
    "fid": "minimize",
    "tvd": "minimize",
    "max_class_gap": "minimize",
    "reconstruction_loss": "minimize",
    "kl_loss": "minimize",
    "elbo": "maximize",
    "num_parameters": "minimize",
    "train_seconds": "minimize",
}

IMAGE_METRICS: Final = frozenset({"fid", "tvd", "max_class_gap"})  # need a feature extractor
