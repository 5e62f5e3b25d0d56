"""Published experiments, run again: what `vaesearch reproduce` shows. Needs Keras when run only."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, final

from search.errors import DataError, NotFoundError
from search.front import non_dominated
from search.models.quiet import load_tensorflow
from vaemodels.presets import Preset, select
from vaemodels.presets.preset import Comparison, StoredGrid, Training


@final
@dataclasses.dataclass(frozen=True)
class Row:
    """One figure of a preset, obtained beside published.

    Attributes:
        measure: Its name.
        obtained: None if it was not measured.
        published: As printed; None where a bound is all there is.
        tolerance: In words.
        kind: "E", "A", "S" or "X".
        verdict: "agrees", "differs" or "not compared".
        reason: Why it was not compared, or may differ; or "".
    """

    measure: str
    obtained: float | None
    published: float | None
    tolerance: str
    kind: str
    verdict: str
    reason: str


@final
@dataclasses.dataclass(frozen=True)
class Reproduction:
    """What running a preset gave.

    Attributes:
        id: Of the preset.
        summary: What it is.
        source: Document and table.
        remark: What a reader must know, or "".
        images: How many images were used, in words.
        seconds: Time taken.
        rows: The figures; empty if it could not be run.
        error: Why it could not be run, or "".
    """

    id: str
    summary: str
    source: str
    remark: str
    images: str
    seconds: float
    rows: tuple[Row, ...]
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return dataclasses.asdict(self)


@final
@dataclasses.dataclass(frozen=True)
class Listed:
    """A preset in the list of all.

    Attributes:
        id: To name it by.
        summary: What it is.
        source: Document and table.
        kind: The loosest of its figures'.
        num_figures: How many it has.
        dataset: The images it needs, None for none.
        seconds: Rough time on one CPU core, with all images.
    """

    id: str
    summary: str
    source: str
    kind: str
    num_figures: int
    dataset: str | None
    seconds: float


def listed(pattern: str | None) -> list[Listed]:
    """Returns the presets that a pattern selects, by default all.

    Raises:
        NotFoundError: If there is none.
    """
    return [_listed(preset) for preset in _selected(pattern or "*")]


def reproduce(
    pattern: str,
    cache: Path,
    *,
    data_dir: Path | None,
    seed: int,
    fast: bool,
    progress: Callable[[int, int, str], None],
) -> Iterator[Reproduction]:
    """Runs the presets that a pattern selects, one after another.

    Args:
        pattern: An id, a study, a glob, or "exact".
        cache: Folder of derived files, where a feature extractor is kept.
        data_dir: Folder of the original IDX files; None downloads.
        seed: Of everything random.
        fast: Whether to take a part of the images and two epochs.
        progress: Called with (done, in all, what).

    Raises:
        NotFoundError: If the pattern selects none.
        DataError: If images are damaged. Missing ones are the `error` of a reproduction.
    """
    presets = _selected(pattern)
    load_tensorflow()
    from vaemodels.presets.running import Runner

    runner = Runner(cache, data_dir=data_dir, seed=seed, fast=fast, progress=progress)
    runner.plan(presets)
    for preset in presets:
        try:
            yield _reproduced(preset, runner, fast)
        except FileNotFoundError as error:
            yield _shown(preset, "", 0.0, (), str(error))
        except (ValueError, OSError) as error:
            raise DataError(str(error)) from error


def front_figures(grid: StoredGrid) -> dict[str, float]:
    """Returns "members" of the Pareto front of a grid, and how many of them were published."""
    names, points = list(grid.points), list(grid.points.values())
    chosen = non_dominated(points, ["minimize"] * len(points[0]))
    members = {name for name, is_member in zip(names, chosen, strict=True) if is_member}
    return {"members": len(members), "published_members": len(members & grid.front)}


def _selected(pattern: str) -> list[Preset]:
    try:
        return select(pattern)
    except ValueError as error:
        raise NotFoundError(str(error)) from error


def _listed(preset: Preset) -> Listed:
    work = preset.work
    seconds = preset.seconds
    if isinstance(work, Comparison):
        seconds = sum(other.seconds for name in work.presets for other in select(name))
    return Listed(
        preset.id,
        preset.summary,
        preset.source,
        preset.kind,
        len(preset.figures),
        "mnist" if isinstance(work, Comparison) else preset.dataset,
        seconds,
    )


def _reproduced(preset: Preset, runner: Any, fast: bool) -> Reproduction:
    from vaemodels.presets.outcome import outcomes
    from vaemodels.presets.running import Obtained

    work = preset.work
    if isinstance(work, StoredGrid):
        obtained = Obtained(front_figures(work))
    else:
        obtained = runner.run(preset)
    rows = tuple(
        Row(
            outcome.figure.measure,
            outcome.obtained,
            outcome.figure.published,
            outcome.figure.tolerance,
            outcome.figure.kind,
            outcome.verdict,
            outcome.reason,
        )
        for outcome in outcomes(preset, obtained, fast=fast)
    )
    return _shown(preset, _images(preset, obtained), obtained.seconds, rows)


def _images(preset: Preset, obtained: Any) -> str:
    if obtained.num_images is None:
        return "no images needed"
    text = f"{obtained.num_images:,} of {obtained.num_published:,} training images"
    if isinstance(preset.work, Training | Comparison):
        text += f", {obtained.num_steps:,} steps"
    return f"{text}, {obtained.num_test:,} test images"


def _shown(
    preset: Preset, images: str, seconds: float, rows: tuple[Row, ...], error: str = ""
) -> Reproduction:
    return Reproduction(
        preset.id, preset.summary, preset.source, preset.remark, images, seconds, rows, error
    )
