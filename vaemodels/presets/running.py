"""Running presets: from an id to obtained figures beside the published ones."""

import dataclasses
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, final

from vaemodels.data.load import read_source
from vaemodels.data.source import Source
from vaemodels.presets.calculations import calculate
from vaemodels.presets.catalogue import PRESETS
from vaemodels.presets.images import PresetImages, preset_images, split
from vaemodels.presets.judge import Judge, open_judge
from vaemodels.presets.measures import Measures
from vaemodels.presets.preset import Calculation, Comparison, Preset, Training
from vaemodels.training import Trainer

Progress = Callable[[int, int, str], None]  # (done, in all, what)


@final
@dataclasses.dataclass(frozen=True)
class Obtained:
    """What a preset gave.

    Attributes:
        values: Measure to value; a measure that failed is absent.
        num_images: Different training images that were used; None where none are.
        num_published: As published.
        num_steps: Training steps.
        num_test: Images that the figures were measured on, None for none.
        seconds: Time taken.
    """

    values: dict[str, float]
    num_images: int | None = None
    num_published: int | None = None
    num_steps: int = 0
    num_test: int | None = None
    seconds: float = 0.0


@final
class Runner:
    """Runs presets, each at most once: a comparison takes what its presets gave before.

    Args:
        cache: Folder where trained feature extractors are kept.
        data_dir: Folder of the original IDX files; None downloads, or takes what was downloaded.
        seed: Integer >= 0, of weights, order, noise and generated images.
        fast: Whether to take a small part of the images and two epochs.
        progress: Called with (done, in all, what).
    """

    def __init__(
        self,
        cache: Path,
        *,
        data_dir: Path | None = None,
        seed: int = 0,
        fast: bool = False,
        progress: Progress = lambda done, total, what: None,
    ):
        self._cache, self._data_dir = Path(cache), data_dir
        self._seed, self._fast, self._progress = seed, fast, progress
        self._sources: dict[str, Source] = {}
        self._judges: dict[str, Judge] = {}
        self._done: dict[str, Obtained] = {}
        self._extra: dict[str, set[str]] = {}

    def plan(self, presets: Iterable[Preset]) -> None:
        """Takes note of what comparisons among the presets need of others, before any is run."""
        for preset in presets:
            if isinstance(preset.work, Comparison):
                for measure, *names in preset.work.differences.values():
                    for name in names:
                        self._extra.setdefault(name, set()).add(measure)

    def run(self, preset: Preset) -> Obtained:
        """Returns the figures of a preset; a `StoredGrid` is its caller's business.

        Raises:
            FileNotFoundError: If the images are not there; the message says what to do.
            ValueError: If they are damaged.
        """
        if preset.id not in self._done:
            start = time.perf_counter()
            obtained = self._run(preset)
            seconds = time.perf_counter() - start
            self._done[preset.id] = dataclasses.replace(obtained, seconds=seconds)
        return self._done[preset.id]

    def _run(self, preset: Preset) -> Obtained:
        work = preset.work
        if isinstance(work, Training):
            return self._train(preset, work)
        if isinstance(work, Comparison):
            return self._compare(preset, work)
        if isinstance(work, Calculation):
            return self._calculate(work)
        raise TypeError(f"{preset.id} is a front of stored figures, which needs a search's code.")

    def _source(self, name: str) -> Source:
        if name not in self._sources:
            self._sources[name] = read_source(name, _folder(name, self._data_dir))
        return self._sources[name]

    def _calculate(self, work: Calculation) -> Obtained:
        if work.dataset is None:
            return Obtained(dict(calculate(work.name, None)))
        source = self._source(work.dataset)
        train, test, _ = split(source)
        values = dict(calculate(work.name, source))
        return Obtained(values, len(train), 60_000, num_test=len(test))

    def _compare(self, preset: Preset, work: Comparison) -> Obtained:
        self.plan([preset])
        for name in work.presets:
            if name in self._done and not self._extra[name] <= set(self._done[name].values):
                del self._done[name]
        runs = {name: self.run(PRESETS[name]) for name in work.presets}
        values = {
            name: runs[first].values[measure] - runs[second].values[measure]
            for name, (measure, first, second) in work.differences.items()
        }
        first = runs[work.presets[0]]
        return dataclasses.replace(first, values=values)

    def _train(self, preset: Preset, work: Training) -> Obtained:
        source = self._source(work.dataset)
        images = preset_images(source, work, fast=self._fast)
        training = dataclasses.replace(work.training, epochs=images.epochs, seed=self._seed)
        trainer = Trainer(work.model, training, images.train, images.scale)
        judge = lambda: self._judge(source, images)  # noqa: E731
        measures = Measures(trainer, training, images, judge, self._seed)
        names = {figure.measure for figure in preset.figures} | self._extra.get(preset.id, set())
        values: dict[str, float] = {}
        for epoch in range(1, images.epochs + 1):
            self._progress(epoch - 1, images.epochs, f"{preset.id}, epoch {epoch}")
            terms: Any = trainer.run_epoch()
            measures.begin(terms)
            is_last = epoch == images.epochs
            for name in sorted(names):
                base, _, at = name.partition("@")
                if (at and int(at) == epoch) or (not at and is_last):
                    values[name] = measures.measure(base)
        self._progress(images.epochs, images.epochs, preset.id)
        return Obtained(
            values,
            images.num_train,
            images.num_published,
            images.epochs * trainer.steps_per_epoch,
            len(images.test),
        )

    def _judge(self, source: Source, images: PresetImages) -> Judge:
        if source.name not in self._judges:
            self._judges[source.name] = open_judge(
                source,
                images,
                fast=self._fast,
                cache=self._cache,
                progress=lambda done, total: self._progress(done, total, "feature extractor"),
            )
        return self._judges[source.name]


def _folder(name: str, data_dir: Path | None) -> Path | None:
    """Returns where a data set's files are: both data sets have files of the same names.

    Raises:
        FileNotFoundError: If the folder is not one of Fashion-MNIST by name; the other would be
            taken for it.
    """
    if data_dir is None or name == "mnist":
        return data_dir
    for folder in (data_dir / name, data_dir):
        if folder.name == name and folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"There is no folder {data_dir / name}. Put the four IDX files of {name!r} there, beside a "
        f"folder 'mnist', and name {data_dir} with --data-dir."
    )
