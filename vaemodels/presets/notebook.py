"""Study t001: a notebook and its master's thesis; AE, VAE and convolutional VAE with z of 10."""

from collections.abc import Mapping
from typing import Final

from vaemodels.config import TrainingConfig, VAEConfig
from vaemodels.presets.architectures import NOTEBOOK_CVAE, mirrored
from vaemodels.presets.figure import Figure, around, at_least, exact
from vaemodels.presets.preset import (
    IMAGE_SHAPE,
    Calculation,
    Comparison,
    Preset,
    Training,
)

_SOURCE: Final = "notebook, training logs"
_LAST: Final = 30
_DENSE: Final = mirrored(300, activation="leaky_relu_0.3")
_FIRST_EPOCH: Final = 6.0  # tolerance: initial weights and steps per epoch count most there

MODELS: Final = {
    "ae": VAEConfig(IMAGE_SHAPE, 10, variant="ae", **_DENSE),
    "vae": VAEConfig(IMAGE_SHAPE, 10, **_DENSE),
    "cvae": VAEConfig(IMAGE_SHAPE, 10, **NOTEBOOK_CVAE),
}
NUM_PARAMETERS: Final = {"ae": 477_794, "vae": 480_804, "cvae": 923_957}


def _curve(name: str, values: Mapping[int, float], tolerance: float) -> list[Figure]:
    """Returns the figures of a loss by epoch."""
    return [
        around(
            name if epoch == _LAST else f"{name}@{epoch}",
            value,
            _FIRST_EPOCH if epoch == 1 else tolerance,
        )
        for epoch, value in values.items()
    ]


_FIGURES: Final[dict[str, list[Figure]]] = {
    "ae": [
        *_curve("train_loss", {1: 142.8093, 30: 83.2013}, 2.0),
        *_curve("val_loss", {1: 112.3857, 5: 93.90, 10: 89.32, 20: 86.22, 30: 84.7367}, 2.0),
        around("silhouette", 0.1475, 0.03),
    ],
    "vae": [
        *_curve("train_loss", {1: 170.7279, 30: 110.9903}, 1.5),
        *_curve("train_reconstruction", {1: 152.9775, 30: 92.7192}, 1.5),
        *_curve("train_kl", {1: 17.7506, 30: 18.2710}, 1.0),
        *_curve("val_loss", {1: 140.3388, 5: 121.30, 10: 116.88, 20: 113.44, 30: 111.7730}, 1.5),
        *_curve("val_reconstruction", {1: 123.7832, 30: 93.5378}, 1.5),
        *_curve("val_kl", {1: 16.5556, 30: 18.2352}, 1.0),
        around("silhouette", 0.1117, 0.03),
    ],
    "cvae": [
        *_curve("train_loss", {1: 149.2462, 30: 96.0479}, 1.5),
        *_curve("train_reconstruction", {1: 135.0502, 30: 76.5283}, 1.5),
        *_curve("train_kl", {1: 14.1960, 30: 19.5196}, 1.0),
        *_curve("val_loss", {1: 115.4054, 5: 103.81, 10: 100.86, 20: 98.14, 30: 97.3311}, 1.5),
        *_curve("val_reconstruction", {1: 98.2984, 30: 77.6823}, 1.5),
        *_curve("val_kl", {1: 17.1070, 30: 19.6487}, 1.0),
        around("silhouette", 0.1182, 0.03),
    ],
}
_SUMMARIES: Final = {
    "ae": "autoencoder 784-300-10",
    "vae": "VAE 784-300-10",
    "cvae": "convolutional VAE, z 10",
}
_RATES: Final[dict[str, float]] = {"ae": 330.0, "vae": 280.0, "cvae": 1.0}


def _training(name: str) -> Training:
    return Training(
        "mnist",
        MODELS[name],
        TrainingConfig(_LAST, batch_size=100),
        num_images=50_000,
        rate=_RATES[name],
    )


def _row(name: str) -> Preset:
    return Preset(
        f"t001/{name}",
        _SUMMARIES[name],
        _SOURCE,
        _training(name),
        (exact("parameters", NUM_PARAMETERS[name]), *_FIGURES[name]),
        "Binary cross-entropy + KL in nats; silhouette of all test images' codes.",
    )


NOTEBOOK: Final = (
    Preset(
        "t001/params",
        "numbers of weights of the three models",
        _SOURCE,
        Calculation("notebook_parameters"),
        tuple(exact(f"parameters_{name}", count) for name, count in NUM_PARAMETERS.items()),
    ),
    *(_row(name) for name in MODELS),
    Preset(
        "t001/order",
        "order of the three models",
        _SOURCE,
        Comparison(
            {
                "vae_above_cvae": ("val_loss", "t001/vae", "t001/cvae"),
                "vae_above_ae": ("val_reconstruction", "t001/vae", "t001/ae"),
                "ae_silhouette_above_vae": ("silhouette", "t001/ae", "t001/vae"),
                "ae_silhouette_above_cvae": ("silhouette", "t001/ae", "t001/cvae"),
            }
        ),
        (
            around("vae_above_cvae", 14.44, 2.0),
            around("vae_above_ae", 8.80, 2.0),
            at_least("ae_silhouette_above_vae", 0.0358, 0.0, "S"),
            at_least("ae_silhouette_above_cvae", 0.0293, 0.0, "S"),
        ),
    ),
    Preset(
        "t001/negative-control",
        "an autoencoder generates worse from N(0, 1) than a VAE",
        "master's thesis, figures of generated images",
        Comparison({"ae_fid_above_vae": ("fid(prior)", "t001/ae", "t001/vae")}),
        (at_least("ae_fid_above_vae", None, 0.0, "S"),),
        "Published as pictures: only the sign can be compared.",
    ),
)
