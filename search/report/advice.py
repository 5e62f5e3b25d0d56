"""What a careful colleague would say on seeing a front."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from search.config import StudyConfig
from search.space import Float, Int
from search.trial import Trial, TrialState

_EDGE: Final = 0.02  # nearer to an end of its range than this share of it: at the edge
_MOST: Final = 0.5  # a remark on the front holds for at least this share of it
_NEAR_NOISE: Final = 2.0  # a TVD below so many times the mean of a perfect generator
_UNSTABLE_RISE: Final = 1.5  # the last FID is worse than the trial's best by this factor
_UNSTABLE_SHARE: Final = 0.25


class Member(Protocol):
    """What advice needs to know of a member of the front."""

    @property
    def trial(self) -> int: ...

    @property
    def epoch(self) -> int: ...

    @property
    def label(self) -> str: ...

    @property
    def values(self) -> Mapping[str, float]: ...


def advise(
    config: StudyConfig,
    trials: Sequence[Trial],
    front: Sequence[Member],
    prepared: Mapping[str, Any],
) -> list[str]:
    """Returns sentences of advice, the most important first; none when all is well.

    Args:
        config: The study file.
        trials: All trials.
        front: Its members.
        prepared: What the first run prepared, for the noise floor of the TVD.
    """
    if not front:
        return []
    by_number = {trial.number: trial for trial in trials}
    members = [by_number[member.trial] for member in front]
    return [
        *_one_point(front),
        *_diverged(trials),
        *_collapsed(trials),
        *_at_edges(config, members),
        *_at_last_epoch(config, front),
        *_near_floor(config, front, prepared),
        *_unstable(trials),
    ]


def _one_point(front: Sequence[Member]) -> Iterator[str]:
    if len(front) == 1:
        yield (
            f"The front is one point: {front[0].label} is best in every objective, so the search "
            "found no trade-off."
        )


def _diverged(trials: Sequence[Trial]) -> Iterator[str]:
    lost = [t for t in trials if t.state is TrialState.FAILED and "loss became" in (t.reason or "")]
    if lost:
        rates = [t.params["learning_rate"] for t in lost if "learning_rate" in t.params]
        low = min((rate for rate in rates if isinstance(rate, float)), default=None)
        hint = f" Their learning rates begin at {low:.2g}." if low is not None else ""
        yield f"{len(lost)} of {len(trials)} trials diverged: their loss became NaN.{hint}"


def _collapsed(trials: Sequence[Trial]) -> Iterator[str]:
    # One that was stopped early may only be undertrained.
    whole = [t for t in trials if t.state is TrialState.COMPLETE and t.measurements]
    last = {trial.number: trial.measurements[-1].metrics for trial in whole}
    lost = [number for number, metrics in last.items() if metrics.get("collapse_alarms", 0) > 0]
    if lost:
        shown = ", ".join(map(str, lost[:8])) + (" ..." if len(lost) > 8 else "")
        yield (
            f"{len(lost)} of {len(trials)} trials collapsed ({shown}): their reconstructions are "
            "no better than the mean image, or their codes do not vary. More training, a smaller "
            "beta or a warm-up may help."
        )


def _at_edges(config: StudyConfig, members: Sequence[Trial]) -> Iterator[str]:
    for name, parameter in config.parameters.items():
        if not isinstance(parameter, Float | Int):
            continue
        positions = [_position(parameter, v) for m in members for v in _values(m.params.get(name))]
        if not positions:
            continue
        for end, low, high in (("lower", 0.0, _EDGE), ("upper", 1 - _EDGE, 1.0)):
            if end == "lower" and isinstance(parameter, Int) and parameter.low <= 1:
                continue  # a count cannot go lower
            share = sum(low <= p <= high for p in positions) / len(positions)
            if share >= _MOST:
                value = parameter.low if end == "lower" else parameter.high
                yield (
                    f"{share:.0%} of the front has `{name}` at the {end} end of its range, "
                    f"{value:g}: a wider range may hold better models."
                )


def _at_last_epoch(config: StudyConfig, front: Sequence[Member]) -> Iterator[str]:
    last = sum(member.epoch == config.budget.epochs for member in front)
    if last / len(front) >= _MOST:
        yield (
            f"{last} of {len(front)} front members are from the last epoch, "
            f"{config.budget.epochs}: more epochs may give better ones."
        )


def _near_floor(
    config: StudyConfig, front: Sequence[Member], prepared: Mapping[str, Any]
) -> Iterator[str]:
    noise = prepared.get("tvd_noise")
    if "tvd" not in config.objectives or noise is None:
        return
    best = min(member.values["tvd"] for member in front)
    if best <= _NEAR_NOISE * noise:
        yield (
            f"The best TVD, {best:.4f}, is near its noise floor: a perfect generator would score "
            f"{noise:.4f} on average. Smaller differences decide nothing."
        )


def _unstable(trials: Sequence[Trial]) -> Iterator[str]:
    risen, judged = 0, 0
    for trial in trials:
        fids = [m.metrics["fid"] for m in trial.measurements if "fid" in m.metrics]
        fids = [value for value in fids if math.isfinite(value)]
        if len(fids) >= 3:
            judged += 1
            risen += fids[-1] > _UNSTABLE_RISE * min(fids)
    if judged and risen / judged >= _UNSTABLE_SHARE:
        yield (
            f"Training is unstable: in {risen} of {judged} trials the last FID is over "
            f"{_UNSTABLE_RISE:g} times the trial's best. Lower learning rates may help."
        )


def _values(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    return [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]


def _position(parameter: Float | Int, value: float) -> float:
    """Returns where a value lies in its range, from 0 to 1, on the scale it is proposed on."""
    low, high = float(parameter.low), float(parameter.high)
    if parameter.log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)
