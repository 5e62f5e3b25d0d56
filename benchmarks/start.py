"""The time between one trial's end in a worker and the next trial's first step, beyond compiling.

    python -m benchmarks start [--quick]

A search of dense VAEs of changing widths on 8x8 digits, two workers of one core each, no tracking.
For every trial but a worker's first: waiting for it (Ray, the study, the sampler), building its
model, and tracing and compiling what it runs, in seconds, median [quartiles]. The second row is a
search of one architecture, which a worker finds compiled from its second trial on.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.support.measuring import machine, spread, table

WIDTHS = {
    "num_layers": {"type": "int", "low": 1, "high": 3},
    "widths": {"type": "int", "low": 32, "high": 256, "log": True, "length": "num_layers"},
}
BETA = {"beta": {"type": "float", "low": 0.01, "high": 1.0, "log": True}}


def rounds_of(space: dict[str, Any], num_trials: int) -> list[dict[str, float]]:
    """Runs a search; returns where the time went, by part, of each attempt but a worker's first."""
    from search.assignment import Round
    from search.config import StudyConfig
    from search.driver import create, drive
    from search.executor.desk import Desk
    from search.workspace import Workspace

    attempts: dict[str, dict[str, float]] = {}
    original = Desk.hear

    def hear(desk: Desk, worker: str, report: Round) -> None:
        parts = attempts.setdefault(worker, {})
        for part, seconds in report.seconds.items():
            if part != "wait" or "wait" not in parts:  # later ones are between two measurements
                parts[part] = parts.get(part, 0.0) + seconds
        original(desk, worker, report)

    config = StudyConfig.model_validate(
        {
            "name": "start",
            "dataset": "digits",
            "space": space,
            "sampler": "random",
            "budget": {"trials": num_trials, "epochs": 20},
            "measure": {"every_epochs": 10},
            "tracking": {"mlflow": False},
            "resources": {"workers": 2},
        }
    )
    with tempfile.TemporaryDirectory(prefix="vaesearch-benchmark-") as folder:
        workspace = Workspace.at(Path(folder) / "ws")
        create(config, workspace)
        Desk.hear = hear  # type: ignore[method-assign]
        try:
            drive(config.name, workspace, lambda _: None)
        finally:
            Desk.hear = original  # type: ignore[method-assign]
    return [parts for parts in attempts.values() if parts.get("open", 0.0) < 1.0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks start", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="six trials, one search")
    options = parser.parse_args(arguments)
    print(machine())
    print()
    rows = []
    searches = {"changing widths": {**BETA, **WIDTHS}, "one architecture": BETA}
    for name, space in list(searches.items())[: 1 if options.quick else 2]:
        found = rounds_of(space, 6 if options.quick else 40)
        gaps = [parts.get("wait", 0.0) + parts["start"] for parts in found]
        cells = [[parts.get(part, 0.0) for parts in found] for part in ("wait", "start", "compile")]
        rows.append([name, len(found), spread(gaps, 3), *(spread(cell, 3) for cell in cells)])
    headings = ["search", "trials", "until the first step", "waiting", "building", "compiling"]
    print(table(headings, rows))


if __name__ == "__main__":
    main()
