"""Which trials are on the front, as tags of their runs that MLflow can filter by."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from search.candidates import candidates, objective_values
from search.front import hypervolume, non_dominated
from search.study.reader import SearchRecord
from search.tracking.progress import reference_point
from search.trial import Trial

ON_FRONT: Final = "front.on_front"
CONTRIBUTION: Final = "front.contribution"
EPOCHS: Final = "front.epochs"
OFF_FRONT: Final[Mapping[str, str]] = {ON_FRONT: "false", CONTRIBUTION: "0.0000", EPOCHS: ""}


def standings(record: SearchRecord, trials: Sequence[Trial]) -> dict[int, dict[str, str]]:
    """Returns the tags of each trial that has a candidate on the front.

    `front.contribution` is the share of the hypervolume that the front would lose without the
    trial, in four decimals, so that sorting its text sorts its value; "" while the search has no
    reference point. `front.epochs` names the epochs whose weights are on the front.

    Args:
        record: The search.
        trials: All of its trials.
    """
    config, directions = record.config, record.config.directions
    found = candidates(config, trials)
    values = objective_values(config, found)
    kept = non_dominated(values, directions)
    members = [candidate for candidate, is_kept in zip(found, kept, strict=True) if is_kept]
    front, owners = values[kept], np.array([member.trial for member in members], dtype=int)
    reference = reference_point(record)
    volume = hypervolume(front, reference, directions) if reference and len(front) else 0.0
    tags = {}
    for trial in dict.fromkeys(owners.tolist()):
        share = ""
        if reference and volume:
            without = hypervolume(front[owners != trial], reference, directions)
            share = f"{1 - without / volume:.4f}"
        epochs = sorted({member.epoch for member in members if member.trial == trial})
        text = ",".join(map(str, epochs))
        tags[trial] = {ON_FRONT: "true", CONTRIBUTION: share, EPOCHS: text}
    return tags
