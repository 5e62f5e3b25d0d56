"""What an FID costs beyond its features, on one core, with the reference statistics at hand.

    python -m benchmarks fid [--quick]

The cost is that of the statistics of the generated images' features plus that of the distance. The
reference's symmetric root is kept with its statistics and computed once per data set, so it is
shown by itself. Times are medians; the smallest is what an otherwise idle machine takes.
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.support.measuring import machine, seconds_of
from vaemodels.metrics.fid import FeatureStatistics, frechet_distance

NUM_IMAGES = 10_000
CASES = {64: (200, "2"), 512: (20, "-"), 2048: (5, "4,000")}  # features: repetitions, target


def seconds(run: Callable[[], object], repetitions: int) -> tuple[float, float]:
    """Returns the median and the smallest time of some calls, in seconds."""
    times = [seconds_of(run) for _ in range(repetitions)]
    return float(np.median(times)), min(times)


def relu_features(num_features: int, seed: int) -> np.ndarray:
    """Returns correlated float32 features, `(NUM_IMAGES, num_features)`, a quarter of them dead."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((num_features, num_features)) / np.sqrt(num_features)
    features = np.maximum(rng.standard_normal((NUM_IMAGES, num_features)) @ mixing + 0.5, 0.0)
    features[:, : num_features // 4] = 0.0
    return features.astype(np.float32)


def measure(num_features: int, repetitions: int) -> list[str]:
    """Returns the cells of one row, in milliseconds."""
    features = relu_features(num_features, seed=1)
    reference = FeatureStatistics.from_features(relu_features(num_features, seed=0))
    root = seconds(lambda: reference.root, 1)[0]  # kept from here on
    generated = FeatureStatistics.from_features(features)
    runs: list[Callable[[], object]] = [
        lambda: FeatureStatistics.from_features(features),
        lambda: frechet_distance(reference, generated),
        lambda: frechet_distance(reference, FeatureStatistics.from_features(features)),
    ]
    times = [seconds(run, repetitions) for run in runs]
    cells = [f"{1e3 * median:,.2f} ({1e3 * smallest:,.2f})" for median, smallest in times]
    return [*cells, f"{1e3 * root:,.2f}"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fid", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without 2,048 features")
    options = parser.parse_args(arguments)
    print(machine(("numpy", "scipy")))
    print(f"{NUM_IMAGES:,} images, one thread, milliseconds: median (smallest)")
    row = "{:>8} {:>21} {:>21} {:>21} {:>22} {:>7}"
    titles = ("features", "statistics", "distance", "FID", "reference's root", "target")
    print(row.format(*titles))
    with threadpool_limits(limits=1):
        for num_features, (repetitions, target) in CASES.items():
            if not options.quick or num_features < max(CASES):
                cells = measure(num_features, repetitions)
                print(row.format(num_features, *cells, target), flush=True)


if __name__ == "__main__":
    main()
