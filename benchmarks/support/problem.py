"""One problem for both sides: images, judge, space, first points, and what a run has to say."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

OBJECTIVES: Final = ("fid", "tvd")
BATCH: Final = 128
SPACE: Final = {
    "num_layers": {"type": "int", "low": 1, "high": 4},
    "widths": {"type": "int", "low": 32, "high": 512, "log": True, "length": "num_layers"},
    "latent_dim": {"type": "int", "low": 2, "high": 32},
    "beta": {"type": "float", "low": 0.03, "high": 3.0, "log": True},
    "learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
}


@dataclasses.dataclass(frozen=True)
class Problem:
    """Images and how models of them are trained and judged.

    Attributes:
        name: A built-in data set.
        data_dir: Folder with its files, None if it needs none.
        cache: Folder with what was derived from the images: as arrays, a trained extractor.
        folders: Of the images, the extractor and the reference statistics.
        ceiling: What the mean image scores in each objective: the reference point.
        epochs: Of every trial.
        num_images: Generated after every epoch.
    """

    name: str
    data_dir: Path | None
    cache: Path
    folders: Any
    ceiling: Sequence[float]
    epochs: int
    num_images: int

    def study(self, name: str, num_trials: int, **others: Any) -> Any:
        """Returns the study file of a search; two trials at a time, measured after every epoch."""
        from search.config import StudyConfig

        dataset = {"name": self.name}
        if self.data_dir is not None:
            dataset["data_dir"] = str(self.data_dir)
        return StudyConfig.model_validate(
            {
                "name": name,
                "dataset": dataset,
                "space": SPACE,
                "fixed": {"batch_size": BATCH},
                "budget": {"trials": num_trials, "epochs": self.epochs},
                "measure": {"every_epochs": 1, "num_images": self.num_images},
                "resources": {"workers": 2},
                **others,
            }
        )


def prepared(data_dir: Path | None, folder: Path, epochs: int, num_images: int) -> Problem:
    """Reads the images and trains the judge: at hand for both sides from then on, as for any second
    search on the same images.

    Args:
        data_dir: Folder of MNIST's four IDX files; None for the digits that scikit-learn brings.
        folder: Of the cache.
        epochs: Of every trial.
        num_images: Generated after every epoch.
    """
    from search.models.images import load_images
    from search.models.work import TRAINING
    from search.workspace import Workspace

    name = "digits" if data_dir is None else "mnist"
    cache = Workspace.at(folder).cache
    problem = Problem(name, data_dir, cache, None, (), epochs, num_images)
    config = problem.study("prepared", 1)
    dataset = load_images(config, cache)
    folders, facts = TRAINING.prepare(config, str(dataset.folder), cache)
    ceiling = [facts["ceiling"][name] for name in OBJECTIVES]
    return dataclasses.replace(problem, folders=folders, ceiling=ceiling)


def points(seed: int, count: int) -> list[dict[str, Any]]:
    """Returns points of `SPACE` drawn at random, each number by itself."""
    rng = np.random.default_rng(seed)

    def draw(name: str) -> Any:
        low, high = SPACE[name]["low"], SPACE[name]["high"]
        value = np.exp(rng.uniform(np.log(low), np.log(high)))
        return float(value) if SPACE[name]["type"] == "float" else round(value)

    found = []
    for _ in range(count):
        num_layers = int(rng.integers(1, 5))
        params = {name: draw(name) for name in ("latent_dim", "beta", "learning_rate")}
        widths = [draw("widths") for _ in range(num_layers)]
        found.append({"num_layers": num_layers, "widths": widths, **params})
    return found


@dataclasses.dataclass(frozen=True)
class Score:
    """What a trial scored after an epoch, and how many seconds after the start of its run."""

    trial: int
    epoch: int
    seconds: float
    values: Sequence[float]


@dataclasses.dataclass(frozen=True)
class Told:
    """What a run of either side tells.

    Attributes:
        scores: In the order of time.
        ended: When its last trial had ended, in seconds since it began.
        seconds: When it gave back control.
    """

    scores: Sequence[Score]
    ended: float
    seconds: float
