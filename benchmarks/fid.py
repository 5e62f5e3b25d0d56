"""What an FID costs beyond its features, on one core, with the reference statistics at hand.

    python benchmarks/fid.py

The cost is that of the statistics of the generated images' features plus that of the distance. The
reference's symmetric root is kept with its statistics and computed once per data set, so it is
shown by itself. Times are medians; the smallest is what an otherwise idle machine takes.
"""

import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from vaemodels.metrics.fid import FeatureStatistics, frechet_distance

NUM_IMAGES = 10_000
CASES = {64: (200, "2"), 512: (20, "-"), 2048: (5, "4,000")}  # features: repetitions, target


def seconds(run: Callable[[], object], repetitions: int) -> tuple[float, float]:
    """Returns the median and the smallest time of some calls, in seconds."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
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


def main() -> None:
    """Measures and prints a table."""
    print(f"{NUM_IMAGES:,} images, one thread, milliseconds: median (smallest)")
    row = "{:>8} {:>21} {:>21} {:>21} {:>22} {:>7}"
    titles = ("features", "statistics", "distance", "FID", "reference's root", "target")
    print(row.format(*titles))
    for num_features, (repetitions, target) in CASES.items():
        print(row.format(num_features, *measure(num_features, repetitions), target))


if __name__ == "__main__":
    with threadpool_limits(limits=1):
        main()
