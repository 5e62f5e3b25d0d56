"""How much training multi-objective halving saves, replayed on real trials.

    python -m benchmarks halving [--quick]
    python -m benchmarks halving --build --data-dir FOLDER --pool POOL     # half an hour
    python -m benchmarks halving --pool POOL --save benchmarks/data/mnist-pool.json

Params are drawn at random, so that ending a trial early changes nothing about which trials come
later. A pool of trials that were all trained to the end, with every epoch measured, therefore tells
what a search under any rule would have seen: only their order and who is stopped differ.
Each seed shuffles the pool and deals its trials one by one to two simulated workers, which train as
fast as the trial did when it was measured; the rule is the one that searches use
(`search.early_stopping`), shown every measurement when it would have come. Every measured (trial,
epoch) is a candidate, and the hypervolume's reference point is the stored ceiling: what the mean
image scores.

Training is counted in epochs and in the seconds of all workers together. Not counted: measuring
(the same for every epoch), building and tracing models, and saving. A `*` marks the grace that
searches take by default.

Three questions, each as the median over seeds with its quartiles, relative to no stopping:

* same trials: the first `--trials` trials; what share of epochs and seconds they take under the
  rule, and what share of the hypervolume is left;
* same hypervolume: training until 99 % and 100 % of the hypervolume that no stopping has after
  these trials, with new trials from the pool for those that were stopped; below 1 is a saving.
  `inf`: the pool ended before. No stopping is itself shown by when it first got there;
* same training: the hypervolume after as much training as no stopping takes for these trials.

`benchmarks/data/mnist-pool.json` was made on 2026-11-21 by `--build` with vaesearch 0.1.0, Keras
3.15.1 and TensorFlow 2.21.0 on a CPU: 100 dense VAEs of 17,699 MNIST images (of the first 22,699 of
its 60,000; the rest validate), 27 epochs each, FID and TVD of 2,000 generated images each epoch.
Its seconds were measured on a busy machine of two cores: trust the epochs first.
"""

import argparse
import dataclasses
import heapq
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support.measuring import machine
from benchmarks.support.pool import POOL, STUDY, Pool, PoolTrial, build, read_pool
from search.config import StudyConfig
from search.early_stopping import make_early_stopping
from search.front import hypervolume
from search.trial import Measurement

WORKERS = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One epoch of the replay: what has been spent when it ends, and what it measured."""

    num_ended: int
    epochs: int
    seconds: float
    values: Sequence[float]


def replay(pool: Pool, order: Sequence[int], rule: Mapping[str, Any]) -> Iterator[Step]:
    """Yields every epoch that a search would train, in the order in which epochs end.

    Args:
        pool: The trials.
        order: Which of them, in the order in which they are begun.
        rule: The section `early_stopping` of a study file.
    """
    judge = make_early_stopping(_config(pool, rule))
    waiting = iter(order)
    # (time at which the epoch ends, worker, trial, epoch); equal times go by worker.
    running: list[tuple[float, int, int, int]] = []

    def begin(worker: int, now: float) -> None:
        if (trial := next(waiting, None)) is not None:
            heapq.heappush(running, (now + pool.trials[trial].seconds[0], worker, trial, 1))

    for worker in range(WORKERS):
        begin(worker, 0.0)
    ended, epochs, spent = 0, 0, 0.0
    while running:
        now, worker, number, epoch = heapq.heappop(running)
        trial = pool.trials[number]
        values = trial.values[epoch - 1]
        epochs += 1
        spent += _epoch_seconds(trial, epoch)
        measurement = Measurement(epoch, dict(zip(pool.objectives, values, strict=True)), now)
        stop = judge.observe(number, dict(trial.params), measurement)
        if stop is not None or epoch == pool.epochs:
            ended += 1
            begin(worker, now)
        else:
            end = now + _epoch_seconds(trial, epoch + 1)
            heapq.heappush(running, (end, worker, number, epoch + 1))
        yield Step(ended, epochs, spent, values)


def _epoch_seconds(trial: PoolTrial, epoch: int) -> float:
    return trial.seconds[epoch - 1] - (trial.seconds[epoch - 2] if epoch > 1 else 0.0)


def _config(pool: Pool, rule: Mapping[str, Any]) -> StudyConfig:
    names = dict.fromkeys(pool.objectives, "minimize")
    sections = {"objectives": names, "early_stopping": rule, "dataset": "mnist"}
    budget = {"trials": len(pool.trials), "epochs": pool.epochs}
    return StudyConfig.model_validate({**STUDY, **sections, "budget": budget})


def volumes(pool: Pool, steps: Sequence[Step]) -> list[float]:
    """Returns the hypervolume after each step; one that changes nothing is not computed again."""
    found: list[float] = []
    front: list[Sequence[float]] = []
    for step in steps:
        is_beaten = any(
            all(a <= b for a, b in zip(known, step.values, strict=True)) for known in front
        )
        if not is_beaten:
            front.append(step.values)
            directions = ["minimize"] * len(pool.objectives)
            found.append(hypervolume(front, pool.reference, directions))
        else:
            found.append(found[-1])
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Course:
    """What a replay of the whole pool spent and reached, step by step."""

    steps: Sequence[Step]
    volumes: Sequence[float]

    @classmethod
    def of(cls, pool: Pool, order: Sequence[int], rule: Mapping[str, Any]) -> "Course":
        """Returns the course under a rule."""
        steps = list(replay(pool, order, rule))
        return cls(steps, volumes(pool, steps))

    def reaching(self, volume: float) -> tuple[float, float]:
        """Returns (epochs, seconds) until a hypervolume, infinite where it is never reached."""
        for step, reached in zip(self.steps, self.volumes, strict=True):
            if reached >= volume:
                return step.epochs, step.seconds
        return np.inf, np.inf

    def volume_at(self, epochs: float) -> float:
        """Returns the hypervolume after so much training, or at the end of the pool."""
        index = sum(step.epochs <= epochs for step in self.steps) - 1
        return self.volumes[index]


def compare(pool: Pool, seed: int, rule: Mapping[str, Any], trials: int) -> list[float]:
    """Returns the columns of the table for one seed: what a rule does relative to no stopping."""
    order = np.random.default_rng(seed).permutation(len(pool.trials)).tolist()
    none = {"rule": "none"}
    all_of = [Course.of(pool, order[:trials], section) for section in (none, rule)]
    full, whole = all_of[0], Course.of(pool, order, rule)
    last, stopped = full.steps[-1], all_of[1].steps[-1]
    same_trials = [
        stopped.epochs / last.epochs,
        stopped.seconds / last.seconds,
        all_of[1].volumes[-1] / full.volumes[-1],
    ]
    same_volume = []
    for share in (0.99, 1.0):
        target = share * full.volumes[-1]
        pairs = zip(whole.reaching(target), full.reaching(target), strict=True)
        same_volume += [ours / theirs for ours, theirs in pairs]
    return [*same_trials, *same_volume, whole.volume_at(last.epochs) / full.volumes[-1]]


def table(pool: Pool, seeds: int, trials: int) -> list[str]:
    """Returns lines: a row per rule."""
    titles = ["rule", "epochs", "seconds", "hypervolume", "epochs to 99 %", "seconds to 99 %"]
    titles += ["epochs to 100 %", "seconds to 100 %", "hypervolume at equal epochs"]
    rows = [titles, ["---"] * len(titles)]
    for factor in (2, 3, 4):
        default = math.ceil(pool.epochs / factor**2)  # what searches take
        for grace in sorted({1, 2, 3, default}):
            rule = {"rule": "halving", "factor": factor, "grace_epochs": grace}
            found = np.array([compare(pool, seed, rule, trials) for seed in range(seeds)])
            # Of values, not between them: half of infinity has no quartile in between.
            low, middle, high = np.quantile(found, [0.25, 0.5, 0.75], axis=0, method="nearest")
            cells = [
                f"{b:.2f} [{a:.2f}, {c:.2f}]" for a, b, c in zip(low, middle, high, strict=True)
            ]
            rows.append([f"factor {factor}, grace {grace}{' *' * (grace == default)}", *cells])
    return ["| " + " | ".join(row) + " |" for row in rows]


def main(arguments: Sequence[str] | None = None) -> None:
    """Builds or reads the pool, replays it and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks halving", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 orders")
    parser.add_argument("--pool", type=Path, default=POOL, help="JSON file or workspace")
    parser.add_argument("--seeds", type=int, default=20, help="orders of the pool, default 20")
    parser.add_argument("--trials", type=int, default=30, help="trials without stopping")
    parser.add_argument("--build", action="store_true", help="runs the search first, in --pool")
    parser.add_argument("--data-dir", type=Path, help="folder of MNIST's four IDX files")
    parser.add_argument("--save", type=Path, help="writes the pool as JSON")
    options = parser.parse_args(arguments)
    if options.build:
        if options.data_dir is None or options.pool == POOL:
            parser.error("--build needs --data-dir and the folder of a workspace as --pool")
        build(options.pool, options.data_dir)
    pool = read_pool(options.pool)
    if options.save:
        options.save.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(dataclasses.asdict(pool)).replace('{"params"', '\n{"params"')
        options.save.write_text(text + "\n")
    seeds = 3 if options.quick else options.seeds
    print(machine(("numpy", "moocore")))
    print(
        f"{len(pool.trials)} trials of {pool.epochs} epochs, {WORKERS} workers; {seeds} "
        f"orders, {options.trials} trials without stopping; median [quartiles]"
    )
    print("\n".join(table(pool, seeds, options.trials)))


if __name__ == "__main__":
    main()
