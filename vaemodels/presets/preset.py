"""A preset: one published experiment, as plain data."""

import dataclasses
from collections.abc import Mapping
from typing import TypeAlias, final

from vaemodels.config import DenseConfig, TrainingConfig, VAEConfig
from vaemodels.presets.figure import KINDS, Figure

IMAGE_SHAPE = (28, 28, 1)


@final
@dataclasses.dataclass(frozen=True)
class Training:
    """A model to train, and on what.

    Args:
        dataset: "mnist" or "fashion-mnist".
        model: What to train.
        training: How.
        num_images: Training images as published, >= 1.
        num_available: Those of the published training set; where fewer are at hand, the same share
            of them is used.
        steps_per_epoch: None for whole epochs. Else an epoch is so many batches in file order,
            from the first image on and round again, as in the 2023 thesis, and all images at hand
            count for the pool.
        rate: Training steps per second on one CPU core, roughly: for estimates of time alone.
    """

    dataset: str
    model: VAEConfig
    training: TrainingConfig
    num_images: int = 60_000
    num_available: int = 60_000
    steps_per_epoch: int | None = None
    rate: float = 280.0

    @property
    def num_steps(self) -> int:
        """Training steps as published."""
        whole = self.num_images // self.training.batch_size
        return (self.steps_per_epoch or whole) * self.training.epochs


@final
@dataclasses.dataclass(frozen=True)
class Calculation:
    """Figures that need no training.

    Args:
        name: A function of `vaemodels.presets.calculations`.
        dataset: The images it needs, None for none.
    """

    name: str
    dataset: str | None = None


@final
@dataclasses.dataclass(frozen=True)
class StoredGrid:
    """Published objectives of many models, whose Pareto front was published too.

    Args:
        points: Model to its objectives, all minimised.
        front: The published front.
    """

    points: Mapping[str, tuple[float, ...]]
    front: frozenset[str]


@final
@dataclasses.dataclass(frozen=True)
class Comparison:
    """Differences of what other presets measure.

    Args:
        differences: Measure to (its name in the presets, minuend's id, subtrahend's id).
    """

    differences: Mapping[str, tuple[str, str, str]]

    @property
    def presets(self) -> tuple[str, ...]:
        """Ids of the presets that are needed."""
        names = [name for _, *pair in self.differences.values() for name in pair]
        return tuple(dict.fromkeys(names))


Work: TypeAlias = Training | Calculation | StoredGrid | Comparison


@final
@dataclasses.dataclass(frozen=True)
class Preset:
    """One published experiment.

    Args:
        id: Study and row, e.g. "t001/vae".
        summary: What it is, in a few words.
        source: Document and table.
        work: What to do.
        figures: What to expect of it.
        remark: What a reader of the figures must know, or "".
    """

    id: str
    summary: str
    source: str
    work: Work
    figures: tuple[Figure, ...]
    remark: str = ""

    @property
    def kind(self) -> str:
        """The loosest kind among its figures, in the order of `KINDS`."""
        return max((figure.kind for figure in self.figures), key=list(KINDS).index)

    @property
    def dataset(self) -> str | None:
        """The images it needs itself, None for none."""
        return self.work.dataset if isinstance(self.work, Training | Calculation) else None

    @property
    def needs_extractor(self) -> bool:
        """Whether a classifier is trained for its features first."""
        bases = {figure.measure.partition("@")[0] for figure in self.figures}
        judged = any(base.startswith(("fid", "legacy_tvd")) for base in bases)
        return judged and isinstance(self.work, Training)

    @property
    def seconds(self) -> float:
        """Rough time on one CPU core with all images; that of a `Comparison`'s presets left out."""
        if not isinstance(self.work, Training):
            return 5.0
        return 10.0 + self.work.num_steps / self.work.rate + 180.0 * self.needs_extractor


def is_dense(work: Training) -> bool:
    """Returns whether encoder and decoder have dense layers alone."""
    backbones = (work.model.encoder, work.model.decoder)
    return all(isinstance(backbone, DenseConfig) for backbone in backbones)
