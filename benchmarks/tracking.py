"""What MLflow costs a search: seconds that driver and workers wait for it, beside Ray's callback.

    python -m benchmarks tracking            # about fifteen minutes
    python -m benchmarks tracking --quick    # three trials, a server that answers at once

The same trials (numbers, no models: 16 of 9 epochs of an eighth of a second, two at a time) under
our projector and under Ray Tune's `MLflowLoggerCallback`, with a real MLflow server that answers at
once, one behind a proxy that lets every request wait for ten seconds, and none at all. Each case is
a process of its own. In it, the time that a thread spends in a request to MLflow is counted:

- driver: the share of its run that its main thread stood in requests. That thread schedules the
  trials; while it waits, nobody is told to go on.
- drain: seconds that it waited at its end for what was left to write.
- workers: whether MLflow was even imported where the trials run. Ours never do.
- requests, and whether MLflow had everything in the end.

A case ends after `--limit` seconds; then `epochs` says how far it came.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from benchmarks.support.measuring import machine
from search.trial import TrialState
from tests.chaos import work
from tests.faulty_proxy import FaultyProxy
from tests.search.tracking.mlflow_server import free_port, mlflow_server

TRIALS, EPOCHS, WORKERS = 16, 9, 2
QUICK_TRIALS = 3
SLOW_SECONDS = 10.0
SERVERS = ("off", "fast", "slow", "none")
Row = dict[str, Any]


class Waiting:
    """Counts the seconds that each thread of this process spends in HTTP requests."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.requests = 0
        self._send = requests.Session.send
        waiting = self

        def send(session: Any, request: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return waiting._send(session, request, **options)
            finally:
                waiting.requests += 1
                waiting.seconds[threading.current_thread().name] += time.perf_counter() - start

        requests.Session.send = send  # type: ignore[method-assign]

    @property
    def main(self) -> float:
        """Those of the thread that schedules trials."""
        return self.seconds["MainThread"]


class WatchedTraining(work.ChainTraining):
    """Says of itself whether its process has MLflow in it."""

    def measure(self) -> dict[str, float]:
        return {**super().measure(), "has_mlflow": float("mlflow" in sys.modules)}


class WatchedBench(work.ChainBench):
    """As the chaos test's, of trials that are watched."""

    def start(self, assignment: Any, should_stop: Any) -> Any:
        training = WatchedTraining(assignment, should_stop)
        return work.TrialRun(self._shared.config, self._store, assignment, training)


def run_ours(uri: str | None, folder: Path, num_trials: int) -> Row:
    """Runs the trials as a search; returns what it waited for."""
    from search.driver import create, drive
    from search.study.database import open_database
    from search.study.reader import StudyReader
    from search.tracking.projector import Projector
    from search.workspace import Workspace
    from tests.search.examples import make_study

    study = make_study(
        name="chains",
        space={
            "latent_dim": {"type": "int", "low": 2, "high": 32},
            "beta": {"type": "float", "low": 0.01, "high": 1.0},
        },
        fixed={"widths": [32], "learning_rate": 0.001},
        sampler="random",
        budget={"trials": num_trials, "epochs": EPOCHS},
        resources={"workers": WORKERS},
        tracking={"mlflow": uri is not None, "uri": uri},
    )
    workspace = Workspace(folder, None)
    create(study, workspace)
    waiting, drain, finish = Waiting(), [0.0], Projector.finish

    def timed_finish(*arguments: Any) -> None:
        start = time.perf_counter()
        finish(*arguments)
        drain[0] += time.perf_counter() - start

    Projector.finish = timed_finish  # type: ignore[method-assign]
    watched = dataclasses.replace(work.CHAINS, open_bench=WatchedBench)
    said: list[str] = []
    start = time.perf_counter()
    drive("chains", workspace, said.append, work=watched)
    seconds = time.perf_counter() - start
    trials = StudyReader(open_database(workspace.study_url), "chains").trials()
    measured = [item for trial in trials for item in trial.measurements]
    assert any(trial.state is TrialState.COMPLETE for trial in trials)
    return {
        "seconds": seconds - drain[0],
        "waited": waiting.main,
        "drain": drain[0],
        "workers": any(item.metrics["has_mlflow"] for item in measured),
        "requests": waiting.requests,
        "epochs": len(measured),
        "left": next((text for text in said if "MLflow lacks" in text), ""),
    }


def run_rays(uri: str | None, folder: Path, num_trials: int) -> Row:
    """Runs the trials under Ray Tune with its own callback."""
    import ray
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    def train(config: Mapping[str, Any]) -> None:
        for epoch in range(1, EPOCHS + 1):
            time.sleep(work.STEPS * work.STEP_SECONDS)
            figures = work.figures({"beta": 1.0, **config}, 0.5, epoch)
            tune.report({**figures, "loss": 0.5, "has_mlflow": float("mlflow" in sys.modules)})

    ray.init(num_cpus=WORKERS, include_dashboard=False, logging_level="ERROR")
    callback = MLflowLoggerCallback(tracking_uri=uri, experiment_name="chains")
    tuner = tune.Tuner(
        train,
        param_space={"latent_dim": tune.randint(2, 33)},
        tune_config=tune.TuneConfig(num_samples=num_trials, metric="fid", mode="min"),
        run_config=tune.RunConfig(
            storage_path=str(folder), verbose=0, callbacks=[callback] if uri else []
        ),
    )
    waiting, start = Waiting(), time.perf_counter()
    outcome, error = [], ""
    try:
        outcome = list(tuner.fit())
    except Exception as problem:  # noqa: BLE001 - what it is, is the result
        error = type(problem).__name__
    seconds = time.perf_counter() - start
    ray.shutdown()
    found = [result.metrics or {} for result in outcome]
    return {
        "seconds": seconds,
        "waited": waiting.main,
        "drain": 0.0,
        "workers": any(metrics.get("has_mlflow") for metrics in found),
        "requests": waiting.requests,
        "epochs": sum(metrics.get("training_iteration", 0) for metrics in found),
        "left": f"the search failed: {error}" if error else "",
    }


@contextlib.contextmanager
def server(kind: str, folder: Path) -> Iterator[str | None]:
    """Yields the address of an MLflow of a kind."""
    port = free_port()
    if kind == "none":
        yield f"http://127.0.0.1:{port}"
        return
    delay = SLOW_SECONDS if kind == "slow" else 0.0
    proxy = FaultyProxy(port, delay_seconds=delay)
    with mlflow_server(folder, port), proxy.serving():
        yield proxy.url


def case(side: str, kind: str, num_trials: int, limit: float) -> Row:
    """Runs one case in a process of its own."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        uri = None if kind == "off" else stack.enter_context(server(kind, folder))
        command = [sys.executable, "-m", "benchmarks", "tracking", "--one", side]
        command += ["--uri", uri or "", "--folder", str(folder / "run")]
        command += ["--trials", str(num_trials)]
        environment = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "30"} if kind == "slow" else {}
        start = time.perf_counter()
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=limit,
                env={**os.environ, **environment},
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"left": f"cut off after {time.perf_counter() - start:.0f} s"}
    if done.returncode:
        return {"left": f"failed: {(done.stderr.strip().splitlines() or ['?'])[-1][:100]}"}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def table(rows: Mapping[tuple[str, str], Row]) -> list[str]:
    """Returns the lines of a table."""
    lines = ["| | MLflow | seconds | driver waited | drain | epochs | requests | in the end |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for (side, kind), row in rows.items():
        cells = [side, kind, *["-"] * 5, row["left"] or "all there"]
        if "seconds" in row:
            share = f"{100 * row['waited'] / row['seconds']:.1f} %"
            cells[2:5] = [f"{row['seconds']:.0f}", share, f"{row['drain']:.1f} s"]
            cells[5:7] = [f"{row['epochs']}", f"{row['requests']}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs all cases and prints the table; or one case, as its process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tracking", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few trials, one server")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds per case")
    parser.add_argument("--one", choices=["ours", "ray"], help=argparse.SUPPRESS)
    parser.add_argument("--uri", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--trials", type=int, default=TRIALS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        run = run_ours if options.one == "ours" else run_rays
        print(json.dumps(run(options.uri or None, options.folder, options.trials)))
        return
    print(machine())
    num_trials = QUICK_TRIALS if options.quick else TRIALS
    rows = {}
    for kind in SERVERS[1:2] if options.quick else SERVERS:
        for side in ("ours", "ray"):
            rows[side, kind] = case(side, kind, num_trials, options.limit)
            print(f"{side} {kind}: {rows[side, kind]}", file=sys.stderr, flush=True)
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
