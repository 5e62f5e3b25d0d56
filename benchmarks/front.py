"""Time to the front, beside Ray Tune with OptunaSearch, `fit` and MLflow's callback.

    python -m benchmarks front [--data-dir FOLDER] [--seeds 10] [--json RUNS] [--quick]

The same space, images, judge and first points (six drawn at random, others for every seed), 6
epochs a trial, FID and TVD of 10,000 generated images after every epoch, two trials at a time of
one core each; then each side goes on in its own way: ours with its default sampler and halving,
the other with OptunaSearch's sampler. FOLDER has MNIST's four IDX files; without it, scikit-learn's
digits. 36 trials of ours, most of them stopped early; the stock side ends when it has reached the
last of the shares below, or after 48 trials, which take about six times as long.

A long search of ours, 60 trials at random of which none is stopped, spans the hypervolume that
counts as all of it; the reference point is what the mean image scores. Every measured (trial,
epoch) counts, on both sides. A figure is the time from the call, Ray's start and imports included,
until the measurements span 90, 95 and 99 % of that, over the seeds: median [quartiles], and in how
many runs it was reached; `inf` where it was not. `stock / ours` compares runs of the same seed,
those left out where neither got there.

With `--json` every run is a line of that file and is never run again. Runs take turns, each in a
fresh process. More than an hour on two cores.
"""

import argparse
import dataclasses
import functools
import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.stock.search import stock_search
from benchmarks.support.measuring import machine, spread, table
from benchmarks.support.problem import OBJECTIVES, Problem, Score, Told, points, prepared
from benchmarks.support.sides import Side, in_process, our_search
from search.front import hypervolume

SHARES = (0.90, 0.95, 0.99)
LONG_SEED = 1_000_000
NUM_FIRST, EPOCHS, NUM_IMAGES = 6, 6, 10_000
NUM_TRIALS = {"ours": 36, "stock": 48, "long": 60}
QUICK_TRIALS = dict.fromkeys(NUM_TRIALS, 2)


def ours(
    problem: Problem, first: Sequence[dict[str, Any]], num_trials: int, seed: int, folder: Path
) -> Told:
    """As `our_search`, with halving, to the last trial's end."""
    rest = {"early_stopping": {"rule": "halving"}, "has_pictures": False}
    return our_search(problem, first, num_trials, seed, folder, **rest)


def long_search(
    problem: Problem, first: Sequence[dict[str, Any]], num_trials: int, seed: int, folder: Path
) -> Told:
    """As `our_search`, at random, with every trial to its end."""
    rest = {"sampler": "random", "early_stopping": {"rule": "none"}, "has_pictures": False}
    return our_search(problem, first, num_trials, seed, folder, **rest)


SIDES: dict[str, Side] = {"ours": ours, "stock": stock_search, "long": long_search}


def growth(scores: Sequence[Score], ceiling: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Yields (seconds, hypervolume) after every measurement, in the order of time."""
    front: list[Sequence[float]] = []
    volume = 0.0
    for score in scores:
        values = score.values
        if all(map(math.isfinite, values)) and not any(
            all(a <= b for a, b in zip(known, values, strict=True)) for known in front
        ):
            front.append(values)
            volume = hypervolume(front, ceiling, ["minimize"] * len(OBJECTIVES))
        yield score.seconds, volume


def seconds_to(volume: float, scores: Sequence[Score], ceiling: Sequence[float]) -> float:
    """Returns the time until a hypervolume was reached, infinite if it never was."""
    return next((when for when, reached in growth(scores, ceiling) if reached >= volume), math.inf)


class Runs:
    """Runs by side and seed; those of a file are not run again.

    Args:
        path: Where each is kept as a line; None keeps none.
    """

    def __init__(self, path: Path | None):
        self._path = path
        self._known: dict[tuple[str, int], list[Score]] = {}
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        for values in map(json.loads, filter(None, lines)):
            self._known[values["side"], values["seed"]] = [Score(*row) for row in values["scores"]]

    def get(
        self, problem: Problem, side: str, num_first: int, num: int, seed: int, **options: Any
    ) -> list[Score]:
        """Returns the scores of a run, made if it is not there; `options` are its side's."""
        if (side, seed) not in self._known:
            run = functools.partial(SIDES[side], **options)
            told = in_process(run, problem, points(seed, num_first), num, seed)
            self._known[side, seed] = scores = list(told.scores)
            if self._path is not None:
                rows = [dataclasses.astuple(score) for score in scores]
                with self._path.open("a") as file:
                    file.write(json.dumps({"side": side, "seed": seed, "scores": rows}) + "\n")
        return self._known[side, seed]


def rows_of(
    ours: Sequence[Sequence[Score]],
    stock: Sequence[Sequence[Score]],
    volume: float,
    ceiling: Sequence[float],
) -> list[list[str]]:
    """Returns a row of the table per share of a hypervolume; runs are paired by their seeds."""
    rows = []
    for share in SHARES:
        times = [
            [seconds_to(share * volume, run, ceiling) for run in runs] for runs in (ours, stock)
        ]
        pairs = [
            other / one
            for one, other in zip(*times, strict=True)
            if math.isfinite(one) or math.isfinite(other)
        ]
        cells = [f"{spread(each, 1)} in {sum(map(math.isfinite, each))}" for each in times]
        rows.append([f"{share:.0%}", *cells, spread(pairs, 1) if pairs else "-"])
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs what is missing and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks front", description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder with MNIST's four IDX files")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path, help="keeps the runs, one per line")
    parser.add_argument("--quick", action="store_true", help="one seed of two trials, digits")
    options = parser.parse_args(arguments)
    quick = options.quick
    seeds, epochs, num_images = (1, 1, 1000) if quick else (options.seeds, EPOCHS, NUM_IMAGES)
    num_first, num_trials = (1, QUICK_TRIALS) if quick else (NUM_FIRST, NUM_TRIALS)
    print(machine(), flush=True)
    runs = Runs(None if quick else options.json)
    with tempfile.TemporaryDirectory(prefix="vaesearch-benchmark-") as folder:
        problem = prepared(None if quick else options.data_dir, Path(folder), epochs, num_images)
        get = functools.partial(runs.get, problem)
        side, seed = ("ours", 0) if quick else ("long", LONG_SEED)
        num_long = num_trials[side]
        long = get(side, num_first, num_long, seed)
        *_, (_, volume) = growth(long, problem.ceiling)
        enough = SHARES[-1] * volume
        own, stock = [], []
        for seed in range(seeds):
            own.append(get("ours", num_first, num_trials["ours"], seed))
            stock.append(get("stock", num_first, num_trials["stock"], seed, enough=enough))
    print(f"{num_long} trials of {epochs} epochs span a hypervolume of {volume:.2f}.\n")
    headings = [f"{seeds} seeds", "ours, s", "stock, s", "stock / ours"]
    print(table(headings, rows_of(own, stock, volume, problem.ceiling)))


if __name__ == "__main__":
    main()
