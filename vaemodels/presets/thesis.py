"""Study t000: the 2023 tfVAE thesis, as its code ran.

Its models got one draw of noise for all images and steps, and heads with ReLU: autoencoders, in
effect. Its "epochs" are mini-batches of 64 in file order, and it prints figures of the last one.
"""

from collections.abc import Iterator
from typing import Any, Final

from vaemodels.config import TrainingConfig, VAEConfig
from vaemodels.presets import thesis_tables as tables
from vaemodels.presets.architectures import thesis_cvae, thesis_mlp
from vaemodels.presets.figure import Figure, around, at_least, between, exact, within_share
from vaemodels.presets.preset import IMAGE_SHAPE, Preset, Training

NUM_PARAMETERS: Final = {"vae": 416_969, "cvae": 866_668}
_RATES: Final = {"vae": 300.0, "cvae": 10.0}
_SCATTER: Final = 0.5  # of an FID between trainings that differ in their seed
_TVD_SCATTER: Final = 0.3
_MIXED_FEATURES: Final = (
    "The published FID compares features of two different classifiers and means nothing."
)
_FASHION: Final = "fashion-mnist"
_LAST_BATCH: Final = "Losses are those of the last mini-batch; SSE + beta * KL."


def backbones(kind: str) -> dict[str, Any]:
    """Returns the network that the thesis chose: "vae" is dense, "cvae" convolutional."""
    return thesis_mlp(7) if kind == "vae" else thesis_cvae()


def _model(beta: float, halves: dict[str, Any], **changes: Any) -> VAEConfig:
    values: dict[str, Any] = {"head_activation": "relu", **halves, **changes}
    return VAEConfig(IMAGE_SHAPE, 5, beta=beta, likelihood="gaussian", variance=0.5, **values)


def _training(
    model: VAEConfig,
    dataset: str = "mnist",
    *,
    epochs: int = 10,
    steps: int = 500,
    rate: float = 300.0,
    noise: str = "constant",
) -> Training:
    order = "file" if noise == "constant" else "shuffled"
    training = TrainingConfig(epochs, 64, 1e-4, noise=noise, order=order)
    num_images = min(64 * steps, 60_000)
    return Training(dataset, model, training, num_images, steps_per_epoch=steps, rate=rate)


def _fid(measure: str, published: float, *, invalid: bool) -> Figure:
    return within_share(measure, published, _SCATTER, "X" if invalid else "S")


def _beta_figures(kind: str, dataset: str, beta: float) -> Iterator[Figure]:
    invalid = (kind, dataset) == ("cvae", _FASHION)
    if dataset == "mnist":
        yield exact("parameters", NUM_PARAMETERS[kind])
    for measure, (value, at) in tables.MINIMA[kind, dataset].items():
        if at != beta or measure == "fid":
            continue
        if measure == "batch_beta_kl":
            yield between(measure, value, 0.05, 0.5)
        else:
            yield around(measure, value, 3.0)
    augmented, normal = tables.AUGMENTED[kind, dataset][beta]
    if (kind, dataset, beta) == ("vae", "mnist", 0.2):
        yield between("batch_beta_kl", tables.BETA_KL[kind, dataset], 0.05, 0.5)
        yield between("fid", tables.MINIMA[kind, dataset]["fid"][0], 90.0, 230.0)
        yield at_least("fid_minus_scaled", normal - augmented, 0.0, "S")
    elif (kind, dataset, beta) == ("cvae", "mnist", 0.2):
        yield between("fid", normal, 60.0, 170.0)
    else:
        yield _fid("fid", normal, invalid=invalid)
    if (kind, dataset, beta) == ("vae", _FASHION, 2.0):  # printed twice, of two trainings
        yield between("fid", tables.MINIMA[kind, dataset]["fid"][0], 27.0, 140.0)
    yield _fid("fid(prior*100)", augmented, invalid=invalid)


def _beta_row(kind: str, dataset: str, beta: float) -> Preset:
    suffix = "" if dataset == "mnist" else "-fashion"
    figures = tuple(_beta_figures(kind, dataset, beta))
    invalid = any(figure.kind == "X" for figure in figures)
    return Preset(
        f"t000/{kind}-b{beta:g}-legacy{suffix}",
        f"{'dense' if kind == 'vae' else 'convolutional'} VAE, beta {beta:g}, as it was",
        "tfVAE thesis, tables 6.1 to 6.4 and C.1",
        _training(_model(beta, backbones(kind)), dataset, rate=_RATES[kind]),
        figures,
        _MIXED_FEATURES if invalid else _LAST_BATCH,
    )


def _fixed_row() -> Preset:
    model = _model(0.2, backbones("vae"), head_activation="linear")
    return Preset(
        "t000/vae-b0.2-fixed",
        "dense beta-VAE, beta 0.2, with fresh noise and linear heads",
        "own run on 22,699 images, one seed",
        _training(model, noise="fresh"),
        (
            exact("parameters", NUM_PARAMETERS["vae"]),
            around("train_reconstruction", 36.0, 3.0),
            between("train_kl", 7.1, 5.6, 9.0),
            between("fid", 101.2, 75.0, 200.0),
            between("fid(prior*100)", 58.7, 40.0, 95.0),
        ),
        "What the thesis' model would have been. Intervals span four own runs.",
    )


def _sticks_row(kind: str, dataset: str) -> Preset:
    loss, kl, sse, fid = tables.STICKS[kind, dataset]
    fashion = dataset == _FASHION
    dense = kind == "sbvae"
    total_variance, tolerance = (67.7, 3.0) if fashion else (52.848, 1.5)
    model = _model(
        1.0,
        backbones("vae" if dense else "cvae"),
        variant="legacy_sbvae",
        head_activation="linear",
    )
    return Preset(
        f"t000/{kind}-legacy{'-fashion' if fashion else ''}",
        f"{'dense' if dense else 'convolutional'} stick-breaking VAE, which cannot learn",
        "tfVAE thesis, experiments 5 and 6",
        _training(model, dataset, rate=_RATES["vae" if dense else "cvae"]),
        (
            exact("batch_beta_kl", kl, 1e-4),
            exact("code_spread", 0.0, 1e-6),
            at_least("collapse_alarms", None, 1.0, "E"),
            around("batch_loss", loss, 10.0),
            around("batch_sse", sse, 10.0),
            around("test_sse", total_variance, tolerance, "S"),
            _fid("fid", fid, invalid=fashion),
        ),
        _MIXED_FEATURES if fashion else "Every image is the mean image, whatever the input.",
    )


def _early_decoder_row(dataset: str) -> Preset:
    fashion = dataset == _FASHION
    loss, beta_kl, sse, fid = (
        (18.82306, 0.33118, 18.49188, 63.36) if fashion else (25.93412, 0.30166, 25.63245, 129.11)
    )
    return Preset(
        f"t000/cvae14-b0.2-legacy{'-fashion' if fashion else ''}",
        "convolutional beta-VAE, first version of experiment 4, decoder from 14 x 14",
        "tfVAE thesis' notebooks, experiment 4",
        _training(_model(0.2, thesis_cvae("16,32,63", "14")), dataset, rate=_RATES["cvae"]),
        (
            around("batch_loss", loss, 3.0),
            between("batch_beta_kl", beta_kl, 0.05, 0.5),
            around("batch_sse", sse, 3.0),
            _fid("fid", fid, invalid=fashion),
        ),
        _MIXED_FEATURES if fashion else _LAST_BATCH,
    )


def _grid_model(key: Any) -> tuple[str, dict[str, Any], float]:
    """Returns name, halves and rate of a model of a grid."""
    if isinstance(key, int):
        return f"mlp-{key}", thesis_mlp(key), _RATES["vae"]
    return f"cvae-{key[0].replace(',', '.')}-{key[1]}", thesis_cvae(*key), _RATES["cvae"]


def _grid_row(key: Any, fid: float, tvd: float) -> Preset:
    name, halves, rate = _grid_model(key)
    remark = "The published model had collapsed on class 0." if tvd == 0.1135 else ""
    return Preset(
        f"t000/{name}",
        "model of the grid, 5,000 steps",
        f"tfVAE thesis, experiment {1 if isinstance(key, int) else 2}",
        _training(_model(1.0, halves), rate=rate),
        (_fid("fid", fid, invalid=False), around("legacy_tvd", tvd, _TVD_SCATTER)),
        remark,
    )


def _consistency_row(key: Any) -> Preset:
    name, halves, rate = _grid_model(key)
    fids, tvds = tables.CONSISTENCY[key]
    figures = [_fid(f"fid@{i}", value, invalid=False) for i, value in enumerate(fids, start=1)]
    figures += [around(f"legacy_tvd@{i}", v, _TVD_SCATTER) for i, v in enumerate(tvds, start=1)]
    return Preset(
        f"t000/consistency-{name}",
        "consistency run, 5 times 1,000 steps",
        "tfVAE thesis, experiments 1 and 2",
        _training(_model(1.0, halves), epochs=5, steps=1000, rate=rate),
        tuple(figures),
    )


def _long_row(key: Any) -> Preset:
    name, halves, rate = _grid_model(key)
    return Preset(
        f"t000/long-{name}",
        "long run, 25,000 steps",
        "tfVAE thesis, experiments 1 and 2",
        _training(_model(1.0, halves), epochs=25, steps=1000, rate=rate),
        (_fid("fid", tables.LONG_RUNS[key], invalid=False),),
    )


_BOTH: Final = ("mnist", _FASHION)
THESIS_MODELS: Final = (
    *(_beta_row(*key, beta) for key, rows in tables.AUGMENTED.items() for beta in rows),
    _fixed_row(),
    *(_early_decoder_row(dataset) for dataset in _BOTH),
    *(_sticks_row(*key) for key in tables.STICKS),
    *(_consistency_row(key) for key in tables.CONSISTENCY),
    *(_long_row(key) for key in tables.LONG_RUNS),
    *(_grid_row(key, *cell) for key, cell in tables.MLP_GRID.items()),
    *(_grid_row(key, *cell) for key, cell in tables.CVAE_GRID.items()),
)
