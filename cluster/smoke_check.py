"""Whether a search of cluster/smoke.sh and MLflow's record of it say the same.

    python cluster/smoke_check.py MLFLOW_URL STATUS.json TRIALS

STATUS.json is what `vaesearch status NAME --json` prints of so many trials. Ends with 1 and says
what is wrong.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

_STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


def problems(status: dict[str, Any], runs: list[Any]) -> list[str]:
    """Returns what is wrong, a line each."""
    found = []
    numbers = sorted(trial["number"] for trial in status["finished"])
    if numbers != list(range(status["num_trials"])):
        found.append(f"expected trials 0 to {status['num_trials'] - 1} to have ended: {numbers}")
    if status["running"] or status["waiting"]:
        found.append("some trials have not ended")
    by_trial: dict[int, list[Any]] = {}
    for run in runs:
        number = int(run.data.tags.get("vaesearch.trial", -1))
        if number >= 0:  # else it is the search's own
            by_trial.setdefault(number, []).append(run)
    for trial in status["finished"]:
        own = by_trial.pop(trial["number"], [])
        if len(own) != 1:
            found.append(f"trial {trial['number']} has {len(own)} runs in MLflow")
            continue
        found += _differences(trial, own[0])
    return found + [f"MLflow has runs of trial {number}, the study none" for number in by_trial]


def _differences(trial: dict[str, Any], run: Any) -> list[str]:
    number, wanted = trial["number"], _STATUS[trial["state"]]
    found = []
    if run.info.status != wanted:
        found.append(f"trial {number} is {trial['state']}, its run {run.info.status}")
    for name in ("fid", "tvd"):
        told = run.data.metrics.get(name, math.nan)
        if not math.isclose(told, trial["metrics"][name], rel_tol=1e-9):
            found.append(f"trial {number}: {name} {trial['metrics'][name]}, MLflow says {told}")
    return found


def main() -> int:
    """Prints what is wrong; returns the exit status."""
    url, path, num_trials = sys.argv[1:]
    status = json.loads(Path(path).read_text())
    client = MlflowClient(tracking_uri=url)
    experiments = [item.experiment_id for item in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=10_000)
    found = problems(status, list(runs))
    if len(status["finished"]) != int(num_trials):
        found.append(f"{len(status['finished'])} trials have ended, not {num_trials}")
    sys.stdout.writelines(f"{line}\n" for line in found or [f"{len(status['finished'])} trials"])
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
