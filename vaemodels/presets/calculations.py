"""Figures that need no training: counts, constants, identities, bounds."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from vaemodels.checks import refuse
from vaemodels.config import DenseConfig, TrainingConfig, VAEConfig
from vaemodels.counts import count_parameters
from vaemodels.data.source import Source
from vaemodels.presets import homework, notebook, project
from vaemodels.presets import thesis_tables as tables
from vaemodels.presets.architectures import thesis_cvae, thesis_mlp
from vaemodels.presets.images import linear_optimum, split
from vaemodels.presets.judge import legacy_tvd
from vaemodels.presets.preset import IMAGE_SHAPE

# Of the 10,000 images of MNIST's test set.
_CLASS_COUNTS: Final = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)


def _thesis_parameters(_: Source | None) -> dict[str, float]:
    from vaemodels.metrics.recipes import build_network, recipe_for

    parts = build_network(recipe_for(IMAGE_SHAPE), IMAGE_SHAPE, num_classes=10, seed=0)
    chosen = {
        "parameters_mlp": (5, thesis_mlp(7)),
        "parameters_mlp_z2": (2, thesis_mlp(7)),
        "parameters_cvae": (5, thesis_cvae()),
    }
    return {
        "parameters_extractor": sum(part.count_params() for part in parts),
        **{
            name: count_parameters(VAEConfig(IMAGE_SHAPE, latent_dim, **halves))
            for name, (latent_dim, halves) in chosen.items()
        },
    }


def _notebook_parameters(_: Source | None) -> dict[str, float]:
    return {f"parameters_{k}": count_parameters(v) for k, v in notebook.MODELS.items()}


def _homework_parameters(_: Source | None) -> dict[str, float]:
    return {f"parameters_{k}": count_parameters(v) for k, v in homework.MODELS.items()}


def _project_parameters(_: Source | None) -> dict[str, float]:
    return {
        f"parameters_{kind}_z{z}": count_parameters(project.model(kind, z))
        for kind in project.BACKBONES
        for z in (2, 5, 16)
    }


def _sticks_constant(_: Source | None) -> dict[str, float]:
    """Trains the thesis' stick-breaking model for a few steps, on noise: any images will do."""
    from vaemodels.training import Trainer

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 8, 8, 1), dtype=np.uint8)
    model = VAEConfig(
        (8, 8, 1),
        5,
        variant="legacy_sbvae",
        likelihood="gaussian",
        encoder=DenseConfig((16,)),
        decoder=DenseConfig((16,)),
    )
    trainer = Trainer(model, TrainingConfig(3, 16, noise="constant", order="file"), images, 255.0)
    for _epoch in range(3):
        trainer.run_epoch()
    return {
        "kl_after_steps": trainer.evaluate(images, 255.0)["kl_loss"],
        "kl_in_closed_form": 5 * (40 / 11 - math.log(5)),
        "code_spread": float(trainer.inference.encode(images, 255.0).std(axis=0).max()),
    }


def _thesis_identities(_: Source | None) -> dict[str, float]:
    return {
        f"beta_kl_{kind}_{dataset}": values["batch_loss"][0] - values["batch_sse"][0]
        for (kind, dataset), values in tables.MINIMA.items()
    }


def _tvd_bug(_: Source | None) -> dict[str, float]:
    from vaemodels.metrics.tvd import class_frequencies, max_class_gap

    real = np.array(_CLASS_COUNTS) / sum(_CLASS_COUNTS)
    zeros = class_frequencies(np.zeros(10_000, np.int64), len(real))
    return {"legacy_tvd": legacy_tvd(real, zeros), "max_class_gap": max_class_gap(real, zeros)}


def _total_variance(source: Source | None) -> dict[str, float]:
    assert source is not None  # `Calculation.dataset` says so
    _, test, _ = split(source)
    variances = (test.astype(np.float64) / source.scale).var(axis=0)
    return {"total_variance": float(variances.sum())}


def _linear_optimum(source: Source | None) -> dict[str, float]:
    assert source is not None  # `Calculation.dataset` says so
    train, _, _ = split(source)
    pair, latent_dim = homework.STANDARDIZE, homework.LATENT_DIM
    loss, sigma = linear_optimum(train, source.scale, pair, latent_dim)
    return {"linear_optimum": loss, "linear_sigma": sigma}


_CALCULATIONS: Final[dict[str, Callable[[Any], dict[str, float]]]] = {
    "thesis_parameters": _thesis_parameters,
    "notebook_parameters": _notebook_parameters,
    "homework_parameters": _homework_parameters,
    "project_parameters": _project_parameters,
    "sticks_constant": _sticks_constant,
    "thesis_identities": _thesis_identities,
    "tvd_bug": _tvd_bug,
    "total_variance": _total_variance,
    "linear_optimum": _linear_optimum,
}


def calculate(name: str, source: Source | None) -> Mapping[str, float]:
    """Returns the figures of a `Calculation`.

    Args:
        name: Its name.
        source: The images it asks for, None if it asks for none.

    Raises:
        ValueError: If nothing is called so.
    """
    if name not in _CALCULATIONS:
        raise refuse("name", ", ".join(_CALCULATIONS), name)
    return _CALCULATIONS[name](source)
