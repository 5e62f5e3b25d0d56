"""The search that a user would write without us: Ray Tune, OptunaSearch, `fit`, MLflow's callback.

A function of a config, a process per trial, as the documentation of Ray Tune has it; metrics from
the same noise by the same network.
"""

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.support.problem import BATCH, OBJECTIVES, SPACE, Problem, Score, Told


def stock_search(
    problem: Problem,
    first: Sequence[Mapping[str, Any]],
    num_trials: int,
    seed: int,
    folder: Path,
    is_whole: bool = False,
    enough: float = math.inf,
) -> Told:
    """Runs the search; two trials at a time, each on one core.

    Args:
        problem: What is searched.
        first: Points to begin with.
        num_trials: Of the search.
        seed: Of Optuna's sampler.
        folder: Where Ray and MLflow write.
        is_whole: Whether it does all that a search of ours does after an epoch, with what Keras,
            NumPy and SciPy bring: losses of the validation images too, and weights that are kept.
            Otherwise it keeps nothing, and our own code judges its images.
        enough: The hypervolume at which it ends, before its last trial.
    """
    began = time.time()
    import ray
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback
    from ray.tune.search import ConcurrencyLimiter
    from ray.tune.search.optuna import OptunaSearch

    from search.front import hypervolume

    ray.init(
        "local",  # whatever Ray runs here already
        num_cpus=2,
        include_dashboard=False,
        logging_level="ERROR",
        log_to_driver=False,
    )

    class Hearing(tune.Callback):
        """Keeps what trials report; a trial that was tried again reports its epochs again."""

        def __init__(self) -> None:
            self.rows: dict[tuple[str, int], dict[str, Any]] = {}

        def on_trial_result(
            self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
        ) -> None:
            self.rows[trial.trial_id, result["epoch"]] = result

    class Enough(tune.Stopper):
        """Ends the search when what was heard spans enough."""

        def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
            return False

        def stop_all(self) -> bool:
            values = [[row[name] for name in OBJECTIVES] for row in hearing.rows.values()]
            finite = [each for each in values if all(map(math.isfinite, each))]
            directions = ["minimize"] * len(OBJECTIVES)
            return bool(finite and hypervolume(finite, problem.ceiling, directions) >= enough)

    hearing = Hearing()
    searcher = OptunaSearch(
        space=_suggest,
        metric=list(OBJECTIVES),
        mode=["min"] * len(OBJECTIVES),
        points_to_evaluate=[_flat(point) for point in first],
        seed=seed,
    )
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(
                train, folders=problem.folders, problem=problem, is_whole=is_whole
            ),
            {"cpu": 1},
        ),
        tune_config=tune.TuneConfig(
            search_alg=ConcurrencyLimiter(searcher, max_concurrent=2), num_samples=num_trials
        ),
        run_config=tune.RunConfig(
            storage_path=str(folder),
            verbose=0,
            stop=Enough() if math.isfinite(enough) else None,
            failure_config=tune.FailureConfig(max_failures=2),
            callbacks=[
                MLflowLoggerCallback(f"sqlite:///{folder / 'mlflow.db'}", experiment_name="stock"),
                hearing,
            ],
        ),
    )
    results = tuner.fit()
    ended = time.time()
    ray.shutdown()
    for error in results.errors:
        raise error
    trials = list(dict.fromkeys(trial for trial, _ in hearing.rows))
    scores = [
        Score(trials.index(trial), epoch, row["at"] - began, [row[name] for name in OBJECTIVES])
        for (trial, epoch), row in hearing.rows.items()
    ]
    scores.sort(key=lambda score: score.seconds)
    return Told(scores, ended - began, time.time() - began)


def train(config: dict[str, Any], folders: Any, problem: Problem, is_whole: bool = False) -> None:
    """One trial, in a process of its own; `is_whole` as of `stock_search`."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from ray import tune

    from benchmarks.stock.judge import KerasJudge
    from benchmarks.stock.vae import of_params
    from search.models.judge import open_judge
    from vaemodels.data import open_dataset
    from vaemodels.noise import base_noise

    dataset = open_dataset(Path(folders.dataset))
    judge: Any = open_judge(folders, dataset, "validation")
    if is_whole:
        judge = KerasJudge(Path(folders.extractor), judge)
    images, held_out = (
        split.images.astype("float32") / dataset.scale
        for split in (dataset.train, dataset.validation)
    )
    vae = of_params(config, dataset.image_shape)
    noise = base_noise("normal", 0, problem.num_images, config["latent_dim"])
    options = {"validation_data": held_out} if is_whole else {}
    for epoch in range(1, problem.epochs + 1):
        vae.fit(images, batch_size=BATCH, epochs=1, verbose=0, **options)
        generated = vae.decoder.predict(noise, batch_size=1000, verbose=0)
        found = judge.measure(generated)
        scores = {name: float(found[name]) for name in OBJECTIVES}
        report = {**scores, "epoch": epoch, "at": time.time()}
        if not is_whole:
            tune.report(report)
            continue
        with tempfile.TemporaryDirectory() as folder:
            vae.encoder.save_weights(Path(folder) / "encoder.weights.h5")
            vae.decoder.save_weights(Path(folder) / "decoder.weights.h5")
            tune.report(report, checkpoint=tune.Checkpoint.from_directory(folder))


def _suggest(trial: Any) -> None:
    num_layers = trial.suggest_int("num_layers", 1, SPACE["num_layers"]["high"])
    for number in range(num_layers):
        _number(trial, f"width_{number}", "widths")
    for name in ("latent_dim", "beta", "learning_rate"):
        _number(trial, name, name)


def _number(trial: Any, name: str, key: str) -> None:
    parameter = SPACE[key]
    suggest = trial.suggest_float if parameter["type"] == "float" else trial.suggest_int
    suggest(name, parameter["low"], parameter["high"], log=parameter.get("log", False))


def _flat(point: Mapping[str, Any]) -> dict[str, Any]:
    widths = {f"width_{number}": width for number, width in enumerate(point["widths"])}
    return {**{name: value for name, value in point.items() if name != "widths"}, **widths}
