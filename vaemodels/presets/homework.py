"""Study t003: a homework on variational autoencoders with a learned scalar variance."""

from typing import Final

from vaemodels.config import TrainingConfig, VAEConfig
from vaemodels.presets.architectures import mirrored
from vaemodels.presets.figure import Figure, around, at_least, between, exact
from vaemodels.presets.preset import IMAGE_SHAPE, Calculation, Preset, Training

_SOURCE: Final = "CTU homework 7, table of models"
STANDARDIZE: Final = (0.1307, 0.3081)
LATENT_DIM: Final = 12


def _model(*widths: int) -> VAEConfig:
    return VAEConfig(
        IMAGE_SHAPE,
        LATENT_DIM,
        likelihood="gaussian",
        variance="learned",
        standardize=STANDARDIZE,
        **mirrored(*widths),
    )


# name -> hidden widths of the encoder, weights, negative ELBO of the last epoch with its tolerance
_ROWS: Final[dict[str, tuple[tuple[int, ...], int, Figure]]] = {
    "A": ((), 29_033, between("train_loss", 719.1, 713.1, 723.1)),
    "B": ((32,), 52_201, around("train_loss", 746.8, 60.0)),
    "C": ((64,), 103_593, around("train_loss", 579.1, 15.0)),
    "D": ((60, 32), 100_065, around("train_loss", 571.6, 15.0)),
    "E": ((60, 32, 20), 100_953, around("train_loss", 613.5, 40.0)),
}
MODELS: Final = {name: _model(*widths) for name, (widths, _, _) in _ROWS.items()}


def _row(name: str) -> Preset:
    widths, num_parameters, loss = _ROWS[name]
    bound = (at_least("above_linear_optimum", 6.8, -0.5),) if name == "A" else ()
    return Preset(
        f"t003/{name}",
        f"sigma-VAE, hidden widths {list(widths)}, z 12",
        _SOURCE,
        Training("mnist", MODELS[name], TrainingConfig(100, batch_size=64), rate=1500.0),
        (exact("parameters", num_parameters), loss, *bound),
        "Negative ELBO of the training images on standardised pixels, in nats.",
    )


HOMEWORK: Final = (
    Preset(
        "t003/params",
        "numbers of weights of models A to E",
        _SOURCE,
        Calculation("homework_parameters"),
        tuple(exact(f"parameters_{name}", row[1]) for name, row in _ROWS.items()),
    ),
    Preset(
        "t003/A-optimum",
        "optimum of the linear model, from eigenvalues",
        "own calculation, first 22,699 training images",
        Calculation("linear_optimum", "mnist"),
        (around("linear_optimum", 712.28, 6.0, "A"), around("linear_sigma", 0.5814, 0.006, "A")),
        "Probabilistic PCA: a linear VAE cannot have a lower negative ELBO.",
    ),
    *(_row(name) for name in _ROWS),
)
