"""Study t000: what can be checked without a training."""

from typing import Final

from vaemodels.presets import thesis_tables as tables
from vaemodels.presets.figure import around, exact
from vaemodels.presets.preset import Calculation, Preset, StoredGrid

_ROUNDING: Final = 2e-5  # of two figures printed to five digits


def _cell(encoder: str, decoder: str) -> str:
    return f"{encoder} | {decoder}"


def _front(name: str, summary: str, source: str, grid: StoredGrid) -> Preset:
    return Preset(
        f"t000/{name}",
        summary,
        source,
        grid,
        (
            exact("members", len(grid.front)),
            exact("published_members", len(grid.front)),
        ),
        f"Published front: {'; '.join(sorted(grid.front))}.",
    )


THESIS_CHECKS: Final = (
    Preset(
        "t000/params",
        "numbers of weights of the extractor and of the two models chosen",
        "tfVAE thesis, summaries of the models",
        Calculation("thesis_parameters"),
        (
            exact("parameters_extractor", 56_714),
            exact("parameters_mlp", 416_969),
            exact("parameters_mlp_z2", 416_738),
            exact("parameters_cvae", 866_668),
        ),
    ),
    Preset(
        "t000/sb-constant",
        "KL of the stick-breaking VAE, after any steps",
        "tfVAE thesis, experiments 5 and 6",
        Calculation("sticks_constant"),
        (
            exact("kl_after_steps", 10.1346312, 1e-4),
            exact("kl_in_closed_form", 10.1346312, 1e-5),
            exact("code_spread", 0.0, 1e-6),
        ),
        "5 (40 / 11 - ln 5): every stick stays uniform.",
    ),
    Preset(
        "t000/identities",
        "loss - SSE = beta * KL in the printed tables",
        "tfVAE thesis, tables 6.1 to 6.4, beta 0.2",
        Calculation("thesis_identities"),
        tuple(
            exact(f"beta_kl_{kind}_{dataset}", value, _ROUNDING)
            for (kind, dataset), value in tables.BETA_KL.items()
        ),
    ),
    Preset(
        "t000/tvd-bug",
        "TVD of a generator of zeros alone, with and without class 0",
        "tfVAE thesis, code of its metrics; class counts of MNIST's test set",
        Calculation("tvd_bug"),
        (exact("legacy_tvd", 0.1135, 1e-9), exact("max_class_gap", 0.9020, 1e-9)),
        "Two rows of its grid show exactly 0.1135.",
    ),
    Preset(
        "t000/total-variance",
        "squared error of the mean image on the test set: the bound of a collapsed model",
        "own calculation; tfVAE thesis, experiments 5 and 6",
        Calculation("total_variance", "mnist"),
        (around("total_variance", 52.848, 0.01, "A"),),
    ),
    _front(
        "grid-mlp",
        "Pareto front of the 17 dense models, from the printed FID and TVD",
        "tfVAE thesis, experiment 1",
        StoredGrid(
            {f"{layers} layers": values for layers, values in tables.MLP_GRID.items()},
            frozenset(f"{layers} layers" for layers in tables.MLP_FRONT),
        ),
    ),
    _front(
        "grid-cvae",
        "Pareto front of the 24 convolutional models, from the printed FID and TVD",
        "tfVAE thesis, experiment 2",
        StoredGrid(
            {_cell(*key): values for key, values in tables.CVAE_GRID.items()},
            frozenset(_cell(*key) for key in tables.CVAE_FRONT),
        ),
    ),
)
