"""A worker's trials without Ray: real images, real training, a real store."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from search.assignment import Assignment, Round
from search.config import StudyConfig
from search.models.bench import Bench, ModelTraining
from search.models.exporting import Chosen, export
from search.models.images import ImageFolders
from search.models.stored import chosen_epoch
from search.models.vocabulary import COSTS
from search.store import TrialStore
from search.trial import Measurement
from search.trial_run import TrialRun
from tests.search.examples import make_study

EPOCHS = 4
PARAMS = {"latent_dim": 3, "beta": 0.2}


def study(**changes: Any) -> StudyConfig:
    values = {
        "fixed": {"widths": [12], "batch_size": 64, "learning_rate": 0.003},
        "budget": {"trials": 1, "epochs": EPOCHS},
        "measure": {"every_epochs": 1, "num_images": 200},
    }
    return make_study(**{**values, **changes})


class Worker:
    """Makes the attempts at trial 0, each with a bench of its own as after a crash."""

    def __init__(self, store: Path, folders: ImageFolders, **changes: Any):
        self.config = study(**changes)
        self.folders = folders
        self.store = TrialStore(str(store), "id")
        self._root = str(store)
        self._attempts = itertools.count(1)

    def attempt(self, stops: Callable[[Any], bool] = lambda _: False, **params: Any) -> TrialRun:
        """Starts an attempt that is told to stop once `stops` says so of its trainer."""
        bench = Bench(self.config, "id", self._root, self.folders)
        task = Assignment(0, next(self._attempts), {**PARAMS, **params}, seed=7)
        training = ModelTraining(bench, task, lambda: stops(training))
        return TrialRun(self.config, self.store, task, training)


def take(worker: Worker, out: Path, trial: int = 0, epoch: int | None = None, sampler: str = ""):
    """Exports a candidate of trial 0 as the command does; returns its epoch."""
    kept = chosen_epoch(worker.store, worker.config.name, trial, epoch)
    chosen = Chosen(trial, kept, sampler, worker.config.model_params(PARAMS))
    export(worker.store, (worker.folders.images(), None), chosen, out)
    return kept


def rounds(run: TrialRun) -> Iterator[Round]:
    """Yields rounds up to the one that ends the attempt."""
    while True:
        found = run.next_round()
        yield found
        if found.outcome is not None:
            return


def figures(measurements: list[Measurement]) -> dict[int, dict[str, float]]:
    """Returns what was measured after each epoch, but for what it took."""
    return {
        m.epoch: {name: value for name, value in m.metrics.items() if name not in COSTS}
        for m in measurements
    }


def measured(run: TrialRun) -> dict[int, dict[str, float]]:
    return figures([item for found in rounds(run) for item in found.measurements])
