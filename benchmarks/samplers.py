"""How well samplers of params find Pareto fronts, on problems whose true fronts are known.

    python -m benchmarks samplers                      # about ten minutes without torch
    python -m benchmarks samplers --quick              # under a minute
    python -m benchmarks samplers --json runs.jsonl    # keeps runs; again: what is missing

ZDT1 to 3 and DTLZ2 with six parameters, BraninCurrin with two; two objectives to minimise, no
noise, one proposal after another. A figure is the share of the true front's hypervolume that the
first 25, 50 and 100 evaluations span: the median over the seeds and, in brackets, the quartiles.
Reference points: (11, 11) for ZDT, (1.1, 1.1) for DTLZ2, (18, 6) for BraninCurrin.

Samplers: `random`, `tpe` and `gp` are Optuna's with its defaults (`gp` needs torch, the extra
`vaesearch[gp]`); `auto` is ours, proposing as a search does: a fresh sampler and a fresh seed for
every value. With torch installed `auto` is called `auto+gp`, since it then uses it. A study file
knows parameters of models only, so the problems' inputs borrow their names.

`!` marks where `auto` is worse than another sampler beyond the spread: its upper quartile lies
under the other's median, and its median under the other's lower quartile.

With `--json` every run is a line of that file and is never run again; several processes may add
to one file. Delete it after changing a sampler. Threads: set OMP_NUM_THREADS=1, else NumPy's and
torch's compete. `seconds` are those per proposal in the second half of a run.
"""

import argparse
import dataclasses
import importlib.util
import itertools
import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import optuna
from numpy.typing import NDArray

from benchmarks.support.measuring import machine
from search.config import StudyConfig
from search.front import hypervolume
from search.samplers import choose_sampler, make_sampler
from search.seeds import Purpose, derive_seed
from search.space import suggest_params

Array: TypeAlias = NDArray[np.float64]
Run: TypeAlias = dict[str, Any]
EVALUATIONS = (25, 50, 100)
# Parameters of models that may be any number: they stand for the problems' inputs.
NAMES = ("beta", "learning_rate", "dropout", "free_bits", "latent_scale", "latent_shift")
HAS_TORCH = importlib.util.find_spec("torch") is not None
PACKAGES = ("optuna", "numpy", "scipy", *(["torch"] if HAS_TORCH else []))
AUTO = "auto+gp" if HAS_TORCH else "auto"
SAMPLERS = ("random", "tpe", *(["gp"] if HAS_TORCH else []), AUTO)


def zdt1(x: Array) -> tuple[float, float]:
    """Returns the two objectives; the front is `1 - sqrt(f1)`."""
    g = 1 + 9 * x[1:].mean()
    return float(x[0]), float(g * (1 - np.sqrt(x[0] / g)))


def zdt2(x: Array) -> tuple[float, float]:
    """Returns the two objectives; the front is `1 - f1**2`, concave."""
    g = 1 + 9 * x[1:].mean()
    return float(x[0]), float(g * (1 - (x[0] / g) ** 2))


def zdt3(x: Array) -> tuple[float, float]:
    """Returns the two objectives; the front is in five pieces."""
    g = 1 + 9 * x[1:].mean()
    ratio = x[0] / g
    return float(x[0]), float(g * (1 - np.sqrt(ratio) - ratio * np.sin(10 * np.pi * x[0])))


def dtlz2(x: Array) -> tuple[float, float]:
    """Returns the two objectives; the front is a quarter of the unit circle."""
    g = 1 + ((x[1:] - 0.5) ** 2).sum()
    angle = x[0] * np.pi / 2
    return float(g * np.cos(angle)), float(g * np.sin(angle))


def branin_currin(x: Array) -> tuple[float, float]:
    """Returns Branin's and Currin's function, both of which are to be minimised."""
    a, b = 15 * x[0] - 5, 15 * x[1]
    square = (b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6) ** 2
    branin = square + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10
    factor = 1 - np.exp(-1 / (2 * x[1])) if x[1] > 0 else 1.0
    above = 2300 * x[0] ** 3 + 1900 * x[0] ** 2 + 2092 * x[0] + 60
    below = 100 * x[0] ** 3 + 500 * x[0] ** 2 + 4 * x[0] + 20
    return float(branin), float(factor * above / below)


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """Two objectives over the unit cube.

    Attributes:
        function: From a point of the cube to its objectives.
        dimensions: Of the cube.
        reference: What hypervolumes are measured against.
        volume: The true front's.
    """

    function: Callable[[Array], tuple[float, float]]
    dimensions: int
    reference: tuple[float, float]
    volume: float

    def share(self, values: Sequence[Sequence[float]]) -> float:
        """Returns the share of the true front's hypervolume that some points span."""
        points = np.asarray(values).reshape(-1, 2)
        return hypervolume(points, self.reference, ["minimize"] * 2) / self.volume


# Volumes of the first, second and fourth front are integrals of their closed forms. ZDT3's is that
# of 10 million points of `f1 -> f2(g=1)`, BraninCurrin's that of a grid of 16 million points
# refined around its front until the fifth digit held (published: 59.36, found by NSGA-II).
PROBLEMS: Mapping[str, Problem] = {
    "ZDT1": Problem(zdt1, 6, (11.0, 11.0), 121 - 1 / 3),
    "ZDT2": Problem(zdt2, 6, (11.0, 11.0), 121 - 2 / 3),
    "ZDT3": Problem(zdt3, 6, (11.0, 11.0), 128.7781),
    "DTLZ2": Problem(dtlz2, 6, (1.1, 1.1), 1.21 - np.pi / 4),
    "BraninCurrin": Problem(branin_currin, 2, (18.0, 6.0), 59.407),
}


class Ours:
    """Proposals of one of our samplers, made as `search.study.proposals` makes them."""

    def __init__(self, dimensions: int, trials: int, seed: int):
        space = {name: {"type": "float", "low": 0.0, "high": 1.0} for name in NAMES[:dimensions]}
        values = {"name": "x", "dataset": "digits", "space": space, "seed": seed}
        self._config = StudyConfig.model_validate({**values, "budget": {"trials": trials}})
        self._name = choose_sampler(self._config)
        self.study = optuna.create_study(directions=["minimize"] * 2)

    def ask(self, number: int) -> tuple[optuna.Trial, Array]:
        """Returns the next trial and its point."""
        seed = derive_seed(self._config.seed, Purpose.PROPOSING, number)
        self._reseed(seed)
        trial, indices = self.study.ask(), itertools.count()

        def suggest_float(name: str, low: float, high: float, **options: Any) -> float:
            self._reseed(derive_seed(seed, Purpose.PROPOSING, next(indices)))
            return trial.suggest_float(name, low, high, **options)

        suggester: Any = argparse.Namespace(suggest_float=suggest_float)
        params = suggest_params(self._config.parameters, {}, suggester)
        return trial, np.array(list(params.values()), dtype=np.float64)

    def _reseed(self, seed: int) -> None:
        self.study.sampler = make_sampler(self._name, self._config.seed, seed)


class Optunas:
    """Proposals of one of Optuna's samplers with its defaults."""

    def __init__(self, sampler: optuna.samplers.BaseSampler, dimensions: int):
        self._names = NAMES[:dimensions]
        self.study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)

    def ask(self, number: int) -> tuple[optuna.Trial, Array]:
        """Returns the next trial and its point."""
        del number
        trial = self.study.ask()
        return trial, np.array([trial.suggest_float(name, 0.0, 1.0) for name in self._names])


def proposals(sampler: str, dimensions: int, trials: int, seed: int) -> Ours | Optunas:
    """Returns what proposes under a sampler's name."""
    match sampler:
        case "random":
            return Optunas(optuna.samplers.RandomSampler(seed=seed), dimensions)
        case "tpe":
            return Optunas(optuna.samplers.TPESampler(seed=seed), dimensions)
        case "gp":
            return Optunas(optuna.samplers.GPSampler(seed=seed), dimensions)
        case _:
            return Ours(dimensions, trials, seed)


def run(problem: str, sampler: str, seed: int, evaluations: Sequence[int]) -> Run:
    """Returns one run: the shares after some numbers of evaluations, and seconds per proposal."""
    known, trials = PROBLEMS[problem], max(evaluations)
    asked = proposals(sampler, known.dimensions, trials, seed)
    values: list[tuple[float, float]] = []
    seconds = []
    for number in range(trials):
        start = time.perf_counter()
        trial, x = asked.ask(number)
        seconds.append(time.perf_counter() - start)
        values.append(known.function(x))
        asked.study.tell(trial, values[-1])
    shares = {str(count): round(known.share(values[:count]), 6) for count in evaluations}
    late = float(np.mean(seconds[trials // 2 :]))
    key = {"problem": problem, "sampler": sampler, "seed": seed}
    return {**key, "shares": shares, "seconds": round(late, 6)}


def stored_runs(path: Path | None) -> Iterator[Run]:
    """Yields the runs of a file; a line that an interruption cut short is left out."""
    lines = path.read_text().splitlines() if path and path.exists() else []
    for line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def table(runs: Sequence[Run], evaluations: Sequence[int]) -> list[str]:
    """Returns lines: a row per problem and number of evaluations, a column per sampler."""
    samplers = list(dict.fromkeys(one["sampler"] for one in runs))
    rows = [["problem", "evaluations", *samplers]]
    for problem, count in itertools.product(PROBLEMS, evaluations):
        found = {
            sampler: np.quantile(shares, [0.25, 0.5, 0.75])
            for sampler in samplers
            if (shares := _shares(runs, problem, sampler, count))
        }
        if found:
            cells = [_cell(sampler, found) for sampler in samplers]
            rows.append([problem, str(count), *cells])
    late = [[one["seconds"] for one in runs if one["sampler"] == sampler] for sampler in samplers]
    rows.append(["seconds", "", *(f"{np.median(times):.4f}" for times in late)])
    return ["| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]]]


def _shares(runs: Sequence[Run], problem: str, sampler: str, count: int) -> list[float]:
    key = (problem, sampler)
    own = [one["shares"] for one in runs if (one["problem"], one["sampler"]) == key]
    return [shares[str(count)] for shares in own if str(count) in shares]


def _cell(sampler: str, found: Mapping[str, Array]) -> str:
    if sampler not in found:
        return "-"
    low, median, high = found[sampler]
    others = [found[other] for other in found if not other.startswith("auto")]
    is_worse = any(high < other[1] and median < other[0] for other in others)
    mark = "!" if is_worse and sampler.startswith("auto") else ""
    return f"{mark}{median:.3f} [{low:.3f}, {high:.3f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs what is missing and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks samplers", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="runs of each, default 10")
    parser.add_argument("--quick", action="store_true", help="3 seeds, no torch, 25 and 50 only")
    parser.add_argument("--json", type=Path, help="keeps the runs, one per line")
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS)
    options = parser.parse_args(arguments)
    evaluations = EVALUATIONS[:2] if options.quick else EVALUATIONS
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    seeds = min(options.seeds, 3) if options.quick else options.seeds
    without_torch = [name for name in SAMPLERS if "gp" not in name]
    names = options.samplers or (without_torch if options.quick else SAMPLERS)
    print(machine(PACKAGES), flush=True)
    known = {_key(one): one for one in stored_runs(options.json)}
    for seed, problem, sampler in itertools.product(range(seeds), options.problems, names):
        before = known.get((problem, sampler, seed), {"shares": {}})
        if all(str(count) in before["shares"] for count in evaluations):
            continue
        one = known[problem, sampler, seed] = run(problem, sampler, seed, evaluations)
        if options.json:
            with options.json.open("a") as file:
                file.write("\n" + json.dumps(one))  # not after a line cut short
    print("\n".join(table(list(known.values()), evaluations)))


def _key(one: Run) -> tuple[str, str, int]:
    return one["problem"], one["sampler"], one["seed"]


if __name__ == "__main__":
    main()
