"""How a search has come on, after each of its finished trials."""

import math
from collections.abc import Sequence

import numpy as np

from search.candidates import candidates, objective_values
from search.config import StudyConfig
from search.front import hypervolume, non_dominated
from search.study.reader import SearchRecord
from search.tracking.client import Point
from search.trial import Trial, TrialState


def progress(record: SearchRecord, trials: Sequence[Trial], after: int) -> list[Point]:
    """Returns what is new since `after` trials had finished; the step is the number of them.

    Everything derives from the study, times included: asked again, the values are the same.

    Args:
        record: The search. Without a `ceiling` for every objective there is no hypervolume.
        trials: All of its trials.
        after: How many finished trials are known.
    """
    config, directions = record.config, record.config.directions
    finished = [trial for trial in trials if trial.state.is_finished]
    if len(finished) <= after:
        return []
    finished.sort(key=lambda trial: (trial.finished_at or 0.0, trial.number))
    reference = reference_point(record)
    counts = dict.fromkeys((TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED), 0)
    front = np.zeros((0, len(directions)))
    points = []
    for step, trial in enumerate(finished, start=1):
        counts[trial.state] += 1
        front = np.concatenate([front, objective_values(config, candidates(config, [trial]))])
        front = front[non_dominated(front, directions)]
        if step <= after:
            continue
        values = {f"num_{state.value}": float(count) for state, count in counts.items()}
        if len(front):
            values |= _best(config, front)
        if reference is not None:
            values["hypervolume"] = hypervolume(front, reference, directions)
        time = trial.finished_at or record.created_at
        points += [Point(name, value, time, step) for name, value in values.items()]
    return points


def _best(config: StudyConfig, front: np.ndarray) -> dict[str, float]:
    return {
        f"best_{name}": float(column.min() if direction == "minimize" else column.max())
        for (name, direction), column in zip(config.objectives.items(), front.T, strict=True)
    }


def reference_point(record: SearchRecord) -> list[float] | None:
    """Returns what hypervolumes are measured against; None before the first trial runs."""
    ceiling = (record.prepared or {}).get("ceiling") or {}
    corner = [float(ceiling.get(name, math.nan)) for name in record.config.objectives]
    return corner if all(math.isfinite(value) for value in corner) else None
