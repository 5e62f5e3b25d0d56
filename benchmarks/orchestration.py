"""What a search costs beside its training: trials that do nothing, through the whole stack.

    python -m benchmarks orchestration [--postgres] [--tracking] [--trials 5000] [--quick]

A real driver with real Ray, on one node with two workers; a trial reports one measurement at once.
Beside it in the same run what Ray Tune itself costs for as many: a class Trainable that is reused,
two at a time, proposals of Tune's own random sampler. Per trial, over each tenth of the trials:

- ms: of the clock, from one trial's end to another's.
- calls: SQL statements, of the main thread (in which Tune asks and tells; proposals are made in a
  thread of their own, MLflow is told in another) and of all threads.
- bytes: of these statements with their values; with `--postgres` `wire` counts what went over the
  network to the study's server and back.
- MB: resident memory of the driver.

Constant means: the last row is as the second (the first holds the start). Then what the driver
needs of a core while two workers report 100 measurements a second.
"""

import argparse
import collections
import dataclasses
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import psutil

from benchmarks.support.counting import Counts, counting, workspaces
from benchmarks.support.measuring import machine, quiet_ray
from benchmarks.support.no_op import STEADY_REPORTS, no_op_work, steady_work, study
from search.assignment import Round
from search.driver import create, drive
from search.executor.desk import Desk
from search.workspace import Workspace

ROWS = 10


def measure(
    num_trials: int, workspace: Workspace, counts: Counts, tracking: bool
) -> list[dict[str, float]]:
    """Runs the search; returns a row for every tenth of its trials."""
    config = study("nothing", num_trials, tracking={"mlflow": tracking})
    create(config, workspace)
    process, rows = psutil.Process(), []
    last: collections.deque[tuple[float, Counts]] = collections.deque(maxlen=1)

    def note() -> None:
        if counts.ended % max(1, num_trials // ROWS):
            return
        now, before = time.monotonic(), last[-1] if last else None
        if before is not None:
            then, old = before
            num = counts.ended - old.ended
            rows.append(
                {
                    "trials": counts.ended,
                    "ms/trial": (now - then) / num * 1000,
                    "calls (main)": (counts.main_calls - old.main_calls) / num,
                    "calls (all)": (counts.calls - old.calls) / num,
                    "bytes": (counts.num_bytes - old.num_bytes) / num,
                    "wire": (counts.wire - old.wire) / num,
                    "MB": process.memory_info().rss / 2**20,
                }
            )
            show(rows[-1], is_first=len(rows) == 1)
        last.append((now, dataclasses.replace(counts)))

    with counting(counts, note):
        drive(config.name, workspace, lambda _: None, work=no_op_work())
    return rows


def show(row: dict[str, float], is_first: bool) -> None:
    """Prints a row, with its headings above the first one."""
    if is_first:
        print("".join(f"{name:>14}" for name in row))
    print("".join(f"{value:>14,.1f}" for value in row.values()), flush=True)


def tune(num_trials: int) -> list[float]:
    """Returns the milliseconds that Ray Tune itself takes for a trial that does nothing, over each
    tenth of the trials but the first, which holds the start."""
    with quiet_ray():
        from ray import tune as ray_tune

        ends: list[float] = []

        class NoTrainable(ray_tune.Trainable):
            def setup(self, config: dict[str, Any]) -> None:
                pass

            def step(self) -> dict[str, Any]:
                return {"fid": 1.0, "tvd": 0.5, "done": True}

            def reset_config(self, new_config: dict[str, Any]) -> bool:
                return True

        class Clock(ray_tune.Callback):
            def on_trial_complete(self, *_: Any, **__: Any) -> None:
                ends.append(time.monotonic())

        with tempfile.TemporaryDirectory(prefix="vaesearch-benchmark-") as folder:
            ray_tune.Tuner(
                ray_tune.with_resources(NoTrainable, {"cpu": 1}),
                param_space={"beta": ray_tune.loguniform(0.01, 1.0)},
                tune_config=ray_tune.TuneConfig(
                    num_samples=num_trials, reuse_actors=True, max_concurrent_trials=2
                ),
                run_config=ray_tune.RunConfig(
                    storage_path=folder,
                    verbose=0,
                    callbacks=[Clock()],
                    checkpoint_config=ray_tune.CheckpointConfig(checkpoint_at_end=False),
                ),
            ).fit()
    tenth = num_trials // ROWS
    marks = ends[tenth - 1 :: tenth]
    return [(end - start) / tenth * 1000 for start, end in itertools.pairwise(marks)]


def steady(workspace: Workspace, seconds: float, tracking: bool) -> tuple[float, float]:
    """Returns measurements per second, and the share of a core that the driver needed for them."""
    num_trials = max(2, round(seconds * 100 / STEADY_REPORTS))
    config = study("steady", num_trials, STEADY_REPORTS, tracking={"mlflow": tracking})
    create(config, workspace)
    process, marks = psutil.Process(), []
    original = Desk.hear

    def hear(desk: Desk, worker: str, report: Round) -> None:
        original(desk, worker, report)
        used = process.cpu_times()
        marks.append((time.monotonic(), used.user + used.system))

    Desk.hear = hear
    try:
        drive(config.name, workspace, lambda _: None, work=steady_work())
    finally:
        Desk.hear = original
    begin = len(marks) // 4  # workers start one after the other
    (start, before), (end, after) = marks[begin], marks[-1]
    return (len(marks) - 1 - begin) / (end - start), (after - before) / (end - start)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks orchestration", description=__doc__)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--postgres", action="store_true", help="the study on PostgreSQL")
    parser.add_argument("--tracking", action="store_true", help="tell MLflow, in an SQLite file")
    parser.add_argument("--quick", action="store_true", help="100 trials")
    options = parser.parse_args(arguments)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    num_trials = 100 if options.quick else options.trials
    print(machine())
    alone = tune(num_trials)
    stock = statistics.mean(alone)
    tenths = " ".join(f"{one:.1f}" for one in alone)
    print(f"Ray Tune alone: {stock:.1f} ms a trial, by tenths from the second on: {tenths}.")
    print(f"A search, its study on {'PostgreSQL' if options.postgres else 'SQLite'}:")
    counts = Counts()
    with workspaces(options.postgres, counts) as workspace:
        rows = measure(num_trials, workspace, counts, options.tracking)
        later = rows[1:] or rows
        mean = statistics.mean(row["ms/trial"] for row in later)
        grown = (rows[-1]["MB"] - rows[1]["MB"]) / (rows[-1]["trials"] - rows[1]["trials"]) * 1000
        print(f"{mean:.1f} ms a trial, {mean / stock:.2f} times Ray Tune's.")
        print(f"The driver grew by {grown:.0f} MB per 1,000 trials.")
        rate, share = steady(workspace, 10 if options.quick else 60, options.tracking)
    print(
        f"{rate:.0f} measurements a second from two workers: {share:.2f} of a core for the driver."
    )


if __name__ == "__main__":
    main()
