"""What a page says of trials: who was ended and why, what the front drew, what all has cost."""

import re
from collections.abc import Sequence
from typing import Any, Final

from search.report.costs import Costs
from search.report.data_uri import data_uri
from search.report.material import MOST_PICTURES, Material
from search.report.page_study import without_passwords
from search.report.progress import duration
from search.report.tables import number, short, title
from search.trial import Trial, TrialState

_MOST_ROWS: Final = 100  # of trials that were ended; the rest stands in trials.csv
_MOST_NAMED: Final = 8
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def ended_section(material: Material) -> dict[str, Any]:
    """Returns which trials were stopped early or failed, grouped by reason and one by one."""
    ended = [t for t in material.trials if t.state in (TrialState.PRUNED, TrialState.FAILED)]
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in ended:
        # What differs in its numbers alone is one reason.
        reason = _NUMBER.sub("#", trial.reason or "no reason was recorded")
        groups.setdefault((trial.state.value, reason), []).append(trial)
    names = list(material.summary.objectives)
    return {
        "counts": [f"{count} {state}" for state, count in material.summary.states.items()],
        "groups": [
            [state, str(len(trials)), reason, _named(trials)]
            for (state, reason), trials in sorted(groups.items(), key=lambda item: -len(item[1]))
        ],
        "heads": ["trial", "state", "epoch", *map(title, names), "reason", "params"],
        "rows": [_row(trial, names) for trial in ended[:_MOST_ROWS]],
        "num_left_out": max(0, len(ended) - _MOST_ROWS),
    }


def picture_section(material: Material) -> dict[str, Any]:
    """Returns the images of the front's trials, and what is missing of them."""
    shown = [
        {
            "trial": picture.trial,
            "members": picture.members,
            "epoch": picture.epoch,
            "uri": data_uri(picture.content),
        }
        for picture in material.pictures
        if picture.content is not None
    ]
    trials = {member.trial for member in material.summary.front}
    return {
        "shown": shown,
        "missing": [
            f"No images of trial {picture.trial} ({', '.join(picture.members)}): "
            + without_passwords(picture.missing).rstrip(".")
            + "."
            for picture in material.pictures
            if picture.content is None
        ],
        "num_left_out": max(0, len(trials) - MOST_PICTURES),
    }


def cost_section(costs: Costs) -> dict[str, Any]:
    """Returns hours by state, and time by epoch."""
    return {
        "rows": [
            [
                cost.state,
                f"{cost.num_trials:,}",
                f"{cost.num_epochs:,}",
                _hours(cost.hours),
                _hours(cost.core_hours),
                _hours(cost.gpu_hours),
            ]
            for cost in costs.states
        ],
        "driven": duration(costs.driven_hours * 3600.0),
        "cpus": f"{costs.cpus:g}",
        "gpus": f"{costs.gpus:g}",
        "epoch": None if costs.epoch_seconds is None else f"{costs.epoch_seconds:.3g} s",
        "train": None
        if costs.epoch_train_seconds is None
        else f"{costs.epoch_train_seconds:.3g} s",
        "num_open": costs.num_open,
    }


def _row(trial: Trial, names: Sequence[str]) -> list[str]:
    last = trial.measurements[-1].metrics if trial.measurements else {}
    figures = [number(last[name]) if name in last else "-" for name in names]
    head = [str(trial.number), trial.state.value, str(trial.last_epoch)]
    return [*head, *figures, trial.reason or "-", short(trial.params)]


def _named(trials: Sequence[Trial]) -> str:
    more = " ..." if len(trials) > _MOST_NAMED else ""
    return ", ".join(str(trial.number) for trial in trials[:_MOST_NAMED]) + more


def _hours(hours: float) -> str:
    return f"{hours:,.3f}" if hours < 10 else f"{hours:,.1f}"
