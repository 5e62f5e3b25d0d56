"""A search as pandas tables: its trials, its front, everything that was measured.

Columns of params are called `params.beta`; lists stay lists. What a row has not got is missing
(NaN, None or NaT, as the column has it). Times are in UTC.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from search.candidates import candidates
from search.report.confirmed import ConfirmedFront
from search.report.confirmed_candidate import ConfirmedCandidate
from search.report.summary import FrontMember, Summary
from search.study.reader import SearchRecord
from search.trial import Trial


def trials_frame(record: SearchRecord, trials: Sequence[Trial]) -> pd.DataFrame:
    """Returns a row for each trial, in the order of their numbers.

    `best.fid` is the best value over the trial's candidates, `last.fid` that of its last measured
    epoch; so for each objective. `seconds` is from the trial's first start to its end, breaks
    included.

    Args:
        record: The search.
        trials: All of its trials.
    """
    columns = ["trial", "state", "reason", "epoch", "attempts", "started_at", "finished_at"]
    columns += ["seconds", "seed", "origin"]
    columns += [f"{kind}.{name}" for name in record.config.objectives for kind in ("best", "last")]
    columns += [f"params.{name}" for name in record.config.space]
    frame = pd.DataFrame([_trial(record, trial) for trial in trials], columns=columns)
    return _with_times(frame, "started_at", "finished_at")


def front_frame(summary: Summary, confirmed: ConfirmedFront | None = None) -> pd.DataFrame:
    """Returns a row for each member of the front, the best in the first objective first.

    Objectives stand under their names; `test.fid` are figures of the stored weights on the test
    images, `confirmed.fid` means over trainings with fresh seeds, `confirmed_se.fid` their
    standard errors.

    Args:
        summary: Of the search.
        confirmed: The front as it was trained again.
    """
    again = {member.label: member for member in confirmed.members} if confirmed else {}
    rows = [_member(member, again.get(member.label)) for member in summary.front]
    columns = ["candidate", "trial", "epoch", "sampler", "is_knee", "share", *summary.objectives]
    columns += [f"test.{name}" for name in summary.objectives]
    if confirmed:
        columns += ["p_front", "seeds"]
        kinds = ("confirmed", "confirmed_se")
        columns += [f"{kind}.{name}" for name in summary.objectives for kind in kinds]
    columns += [f"params.{n}" for n in dict.fromkeys(n for m in summary.front for n in m.params)]
    return pd.DataFrame(rows, columns=columns)


def confirmed_frame(front: ConfirmedFront) -> pd.DataFrame:
    """Returns a row for each candidate that was trained again, as `pareto --confirmed` has them.

    Columns are those of `front_frame` and its means and errors; `search.fid` is what the search
    itself had measured, `origin` why it was trained again.

    Args:
        front: As it was trained again.
    """
    rows = [
        {
            "candidate": member.label,
            "trial": member.trial,
            "epoch": member.epoch,
            "sampler": member.sampler,
            "origin": member.origin,
            "is_choice": member.is_choice,
            "p_front": member.probability,
            "seeds": member.num_repeats,
            **_prefixed("confirmed", member.means),
            **_prefixed("confirmed_se", member.errors),
            **_prefixed("search", member.searched),
            **_prefixed("test", member.remeasured),
            **_prefixed("params", member.params),
        }
        for member in front.members
    ]
    return pd.DataFrame(rows)


def measurements_frame(record: SearchRecord, trials: Sequence[Trial]) -> pd.DataFrame:
    """Returns a row for each (trial, epoch) that was measured, and a column for each metric.

    Metrics under other latent samplers than the trial's own are called `fid@prior*100`.

    Args:
        record: The search.
        trials: All of its trials.
    """
    rows = [
        {
            "trial": trial.number,
            "epoch": item.epoch,
            "attempt": item.attempt,
            "time": item.unix_time,
            **item.metrics,
        }
        for trial in trials
        for item in trial.measurements
    ]
    names = dict.fromkeys([*record.config.objectives, *(name for row in rows for name in row)])
    first = ["trial", "epoch", "attempt", "time"]
    columns = [*first, *(name for name in names if name not in first)]
    return _with_times(pd.DataFrame(rows, columns=columns), "time")


def _trial(record: SearchRecord, trial: Trial) -> dict[str, Any]:
    config = record.config
    found = candidates(config, [trial])
    last = trial.measurements[-1].metrics if trial.measurements else {}
    values: dict[str, Any] = {f"last.{name}": last.get(name) for name in config.objectives}
    for name, direction in config.objectives.items():
        pick = min if direction == "minimize" else max
        values[f"best.{name}"] = pick((c.metrics[name] for c in found), default=None)
    is_timed = trial.started_at is not None and trial.finished_at is not None
    return {
        "trial": trial.number,
        "state": trial.state.value,
        "reason": trial.reason,
        "epoch": trial.last_epoch,
        "attempts": trial.num_attempts,
        "started_at": trial.started_at,
        "finished_at": trial.finished_at,
        "seconds": trial.finished_at - trial.started_at if is_timed else None,  # type: ignore[operator]
        "seed": trial.seed,
        "origin": trial.origin,
        **values,
        **_prefixed("params", trial.params),
    }


def _member(member: FrontMember, again: ConfirmedCandidate | None) -> dict[str, Any]:
    found = {
        "candidate": member.label,
        "trial": member.trial,
        "epoch": member.epoch,
        "sampler": member.sampler,
        "is_knee": member.is_knee,
        "share": member.share,
        **member.values,
        **_prefixed("test", member.remeasured or {}),
        **_prefixed("params", member.params),
    }
    if again is not None:
        found |= {"p_front": again.probability, "seeds": again.num_repeats}
        found |= _prefixed("confirmed", again.means) | _prefixed("confirmed_se", again.errors)
    return found


def _prefixed(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": value for name, value in values.items()}


def _with_times(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    for column in columns:
        frame[column] = pd.to_datetime(frame[column].astype(float), unit="s", utc=True)
    return frame
