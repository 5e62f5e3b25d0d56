"""Trials per hour at equal work, beside Ray Tune with OptunaSearch, `fit` and MLflow's callback.

    python -m benchmarks equal_work [--data-dir FOLDER] [--trials 16] [--rounds 3] [--quick]

The same points for 6 epochs each, no early stopping, two trials at a time of one core each; FID
and TVD of 10,000 generated images after every epoch. FOLDER has MNIST's four IDX files; without it,
scikit-learn's digits of 8x8. The stock side is benchmarks/stock/search.py, in two ways: `stock`
does after an epoch what ours does, with what Keras, NumPy and SciPy bring (losses of the validation
images, weights kept, images judged by `predict`); `stock, less` leaves the first two out, and our
own code judges its images. All sides tell an MLflow in an SQLite file, find the judge trained, and
run in turns, each in a fresh process. Counted is the time from the call to the last trial's end,
Ray's start and imports included. `in all` goes on to the end of the call: ours then measures the
front on the test images and draws it, which the others leave to their user.
"""

import argparse
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.stock.search import stock_search
from benchmarks.support.measuring import in_turns, machine, ratios, spread, table
from benchmarks.support.problem import Problem, Told, points, prepared
from benchmarks.support.sides import in_process, our_search

NUM_TRIALS, EPOCHS, NUM_IMAGES = 16, 6, 10_000


def ours(
    problem: Problem, first: Sequence[dict[str, object]], num_trials: int, seed: int, folder: Path
) -> Told:
    """As `our_search`, without early stopping."""
    return our_search(problem, first, num_trials, seed, folder, early_stopping={"rule": "none"})


SIDES: Final = {
    "ours": ours,
    "stock": functools.partial(stock_search, is_whole=True),
    "stock, less": stock_search,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs all sides in turns and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks equal_work", description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder with MNIST's four IDX files")
    parser.add_argument("--trials", type=int, default=NUM_TRIALS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="2 trials of 2 epochs, digits")
    options = parser.parse_args(arguments)
    data_dir = None if options.quick else options.data_dir
    num_trials, epochs = (2, 2) if options.quick else (options.trials, EPOCHS)
    num_images = 1000 if options.quick else NUM_IMAGES
    print(machine())
    told: dict[str, list[Told]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory(prefix="vaesearch-benchmark-") as folder:
        problem = prepared(data_dir, Path(folder), epochs, num_images)
        first = points(0, num_trials)

        def run(name: str) -> float:
            told[name].append(in_process(SIDES[name], problem, first, num_trials, 0))
            assert len(told[name][-1].scores) == num_trials * epochs, "a trial failed"
            return num_trials / told[name][-1].ended * 3600

        rounds = 1 if options.quick else options.rounds
        found = in_turns([functools.partial(run, name) for name in SIDES], rounds)
    print()
    rows = [
        [
            name,
            spread(figures, 0),
            spread([one.ended for one in told[name]], 0),
            spread([one.seconds for one in told[name]], 0),
        ]
        for name, figures in zip(told, found, strict=True)
    ]
    for name, figures in list(zip(told, found, strict=True))[1:]:
        rows.append([f"ours / {name}", spread(ratios(found[0], figures)), "", ""])
    print(table([f"{num_trials} trials, {rounds} rounds", "trials/h", "seconds", "in all"], rows))


if __name__ == "__main__":
    main()
