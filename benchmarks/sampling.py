"""What proposals cost after thousands of trials, and whether a worker waits for them.

    python -m benchmarks sampling [--seconds 2] [--trials 24] [--quick]

A search of up to four dense layers, latent size, beta and learning rate gets 1,000 and 5,000 trials
drawn at random that do nothing, then goes on with each sampler for some trials of `--seconds` each,
two at a time, all by real Ray and the study's database. Per sampler, median [quartiles]:

- proposal: seconds that the sampler took for one, in the driver's thread for it.
- idle: seconds that a worker stood between one trial's end and the next one's start; `random`,
  which takes no time, shows what of it is not the sampler's.

Both hold the trials of the second half. Optuna's TPE is asked as the search asks it, once for every
number of a proposal.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.support.measuring import machine, spread, table
from benchmarks.support.no_op import no_op_work, paused_work, study
from benchmarks.support.problem import SPACE
from search.changing import change
from search.driver import create, drive
from search.study.database import open_database
from search.study.proposals import Proposals
from search.study.reader import StudyReader
from search.workspace import Workspace

SIZES, SAMPLERS = (1000, 5000), ("random", "tpe", "auto")
NAME = "many"


def go_on(
    workspace: Workspace, sampler: str, num_trials: int, seconds: float
) -> tuple[list[float], list[float]]:
    """Has a search go on with trials of so many seconds.

    Returns:
        Seconds per proposal, and seconds that a worker was idle before each trial.
    """
    reader = StudyReader(open_database(workspace.study_url), NAME)
    before = len(reader.trials())
    change(NAME, workspace, sampler=sampler, trials=before + num_trials)
    taken: list[float] = []
    ask: Callable[..., Any] = Proposals.ask

    def timed(proposals: Proposals, *arguments: Any) -> Any:
        start = time.perf_counter()
        try:
            return ask(proposals, *arguments)
        finally:
            taken.append(time.perf_counter() - start)

    Proposals.ask = timed
    try:
        drive(NAME, workspace, lambda _: None, work=paused_work(seconds))
    finally:
        Proposals.ask = ask
    new = reader.trials()[before + num_trials // 2 :]
    idle = [trial.measurements[-1].metrics["idle_seconds"] for trial in new]
    return taken[len(taken) // 2 :], idle


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a row per size and sampler."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks sampling", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="that a trial takes")
    parser.add_argument("--trials", type=int, default=24, help="with each sampler")
    parser.add_argument("--quick", action="store_true", help="after 50 trials, half a second each")
    options = parser.parse_args(arguments)
    sizes, num_trials = ((50,), 8) if options.quick else (SIZES, options.trials)
    seconds = 0.5 if options.quick else options.seconds
    print(machine())
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="vaesearch-benchmark-") as folder:
            filled = Path(folder) / "filled"
            create(study(NAME, size, space=SPACE), Workspace(filled))
            drive(NAME, Workspace(filled), lambda _: None, work=no_op_work())
            for sampler in SAMPLERS:
                workspace = Workspace(shutil.copytree(filled, Path(folder) / sampler))
                taken, idle = go_on(workspace, sampler, num_trials, seconds)
                rows.append([f"{size:,}", sampler, spread(taken, 3), spread(idle, 3)])
                print(*rows[-1], sep="  ", flush=True)
    print()
    print(table(["trials before", "sampler", "proposal", "idle"], rows))


if __name__ == "__main__":
    main()
