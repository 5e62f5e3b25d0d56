"""Trials that were all trained to their end, every epoch measured: what rules are replayed on."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from search.config import StudyConfig
from search.study.database import open_database
from search.study.reader import StudyReader
from search.workspace import Workspace

POOL = Path(__file__).parents[1] / "data" / "mnist-pool.json"
STUDY: Mapping[str, Any] = {
    "name": "mnist-pool",
    "space": {
        "num_layers": {"type": "int", "low": 1, "high": 3},
        "widths": {"type": "int", "low": 32, "high": 256, "log": True, "length": "num_layers"},
        "latent_dim": {"type": "int", "low": 2, "high": 32},
        "beta": {"type": "float", "low": 0.03, "high": 3.0, "log": True},
        "learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
    },
    "fixed": {"batch_size": 128},
    "budget": {"trials": 100, "epochs": 27},
    "measure": {"every_epochs": 1, "num_images": 2000},
    "sampler": "random",
    "resources": {"workers": 1},
    "tracking": {"mlflow": False},
}


@dataclasses.dataclass(frozen=True, slots=True)
class PoolTrial:
    """One trial that ran to its end.

    Attributes:
        params: Its params.
        values: `[epochs][objectives]`.
        seconds: Of training up to each epoch.
    """

    params: Mapping[str, Any]
    values: Sequence[Sequence[float]]
    seconds: Sequence[float]


@dataclasses.dataclass(frozen=True, slots=True)
class Pool:
    """Trials of one search, and its reference point; all objectives are to be minimised."""

    objectives: Sequence[str]
    reference: Sequence[float]
    trials: Sequence[PoolTrial]

    @property
    def epochs(self) -> int:
        """Of every trial."""
        return len(self.trials[0].values)


def read_pool(path: Path) -> Pool:
    """Returns the pool in a JSON file, or in the workspace of a finished search."""
    if path.is_file():
        values = json.loads(path.read_text())
        return Pool(**{**values, "trials": [PoolTrial(**trial) for trial in values["trials"]]})
    reader = StudyReader(open_database(Workspace.at(path).study_url), STUDY["name"])
    record = reader.record()
    names, epochs = list(record.config.objectives), record.config.budget.epochs
    ceiling = (record.prepared or {})["ceiling"]
    trials = [
        PoolTrial(
            {name: _short(value) for name, value in trial.params.items()},
            [[_short(item.metrics[name]) for name in names] for item in trial.measurements],
            [round(item.metrics["train_seconds"], 3) for item in trial.measurements],
        )
        for trial in reader.trials()
        # Others failed; a search of a pool has no early stopping.
        if len(trial.measurements) == epochs and all(m.has(names) for m in trial.measurements)
    ]
    return Pool(names, [ceiling[name] for name in names], trials)


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def build(workspace: Path, data_dir: Path) -> None:
    """Runs the search whose trials are the pool; one that was interrupted goes on."""
    from search.driver import create, drive

    place = Workspace.at(workspace)
    dataset = {"name": "mnist", "data_dir": str(data_dir.absolute())}
    if not place.study_file.exists():
        create(StudyConfig.model_validate({**STUDY, "dataset": dataset}), place)
    drive(STUDY["name"], place, say=print)
