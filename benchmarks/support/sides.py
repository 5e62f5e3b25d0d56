"""Runs of either side of a comparison, each in a process of its own, on the same two cores."""

import contextlib
import dataclasses
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.support.problem import OBJECTIVES, Problem, Score, Told

Side = Callable[[Problem, Sequence[Mapping[str, Any]], int, int, Path], Told]


def our_search(
    problem: Problem,
    first: Sequence[Mapping[str, Any]],
    num_trials: int,
    seed: int,
    folder: Path,
    has_pictures: bool = True,
    **others: Any,
) -> Told:
    """Runs a search of ours; arguments as of `stock_search`.

    Args:
        has_pictures: Whether it goes on, after its trials, to measure the front on the test images
            and draw it.
        others: Sections of the study file besides the problem's.
    """
    began = time.time()
    from search.driver import create, drive
    from search.models.work import TRAINING
    from search.study.database import open_database
    from search.study.reader import StudyReader
    from search.study.requests import post_point
    from search.workspace import Workspace

    workspace = Workspace.at(folder / "workspace")
    workspace.make()
    workspace.cache.symlink_to(problem.cache)
    config = problem.study("ours", num_trials, seed=seed, **others)
    create(config, workspace)
    reader = StudyReader(open_database(workspace.study_url), config.name)
    for point in first:
        post_point(reader.engine, reader.id, dict(point))
    work = TRAINING if has_pictures else dataclasses.replace(TRAINING, remeasure=_none, show=_zero)
    drive(config.name, workspace, lambda _: None, work=work)
    seconds = time.time() - began
    trials = reader.trials()
    scores = [
        Score(trial.number, one.epoch, one.unix_time - began, [one.metrics[o] for o in OBJECTIVES])
        for trial in trials
        for one in trial.measurements
    ]
    scores.sort(key=lambda score: score.seconds)
    return Told(scores, scores[-1].seconds, seconds)


def _none(*_: Any) -> dict[tuple[int, int], dict[str, float]]:
    return {}


def _zero(*_: Any) -> int:
    return 0


def in_process(
    side: Side, problem: Problem, first: Sequence[Mapping[str, Any]], num_trials: int, seed: int
) -> Told:
    """Returns what a run tells; what it prints goes nowhere."""
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="vaesearch-benchmark-") as folder,
        context.Pool(1, initializer=_begin) as pool,
    ):
        return pool.apply(side, (problem, first, num_trials, seed, Path(folder)))


def _begin() -> None:
    """Has the process end with the one that started it, and say nothing."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        with contextlib.suppress(OSError):
            os.dup2(nowhere, stream)


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
    os._exit(1)
