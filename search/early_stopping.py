"""Rules that end weak trials early. Each sees every measurement once, in the recorded order, and
keeps nothing that a replay of that order would not give again."""

import abc
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, final

from search.config import StudyConfig
from search.front import losses
from search.halving import judge, rung_epochs
from search.trial import Measurement, Params


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Stop:
    """Why a trial ends before its budget.

    Attributes:
        reason: One sentence.
        details: The same as plain values, for the search's history.
    """

    reason: str
    details: Mapping[str, Any]


class EarlyStopping(abc.ABC):
    """A rule over the trials of one study. Subclasses are final.

    Args:
        config: The study file.
    """

    def __init__(self, config: StudyConfig):
        self._config = config
        self._seen: set[tuple[int, int]] = set()

    def observe(self, trial: int, params: Params, measurement: Measurement) -> Stop | None:
        """Returns why a trial should end now, if it should.

        A measurement that is known, has no finite objectives, or belongs to a beta that is still
        rising says nothing.

        Args:
            trial: Its number.
            params: Its params.
            measurement: The next one in the recorded order.
        """
        key = (trial, measurement.epoch)
        if key in self._seen or not measurement.has(self._config.objectives):
            return None
        self._seen.add(key)
        if measurement.epoch >= self._config.budget.epochs:
            return None
        if _beta_rises(self._config.model_params(params), measurement.epoch):
            return None
        return self._decide(trial, measurement)

    @abc.abstractmethod
    def _decide(self, trial: int, measurement: Measurement) -> Stop | None: ...

    def _values(self, measurement: Measurement) -> list[float]:
        return [measurement.metrics[name] for name in self._config.objectives]


def _beta_rises(params: Params, epoch: int) -> bool:
    """Returns whether an epoch trains at less than the whole beta: its KL counts for too little."""
    warmup: Any = params.get("beta_warmup_epochs") or 0
    cycle: Any = params.get("beta_cycle_epochs") or 0
    return bool(epoch < warmup or (cycle and 2 * ((epoch - 1) % cycle + 1) < cycle))


@final
class Halving(EarlyStopping):
    """Multi-objective successive halving, see `search.halving`."""

    def __init__(self, config: StudyConfig):
        super().__init__(config)
        section = config.early_stopping
        every, budget = config.measure.every_epochs, config.budget.epochs
        # A first look after two halvings' worth of the budget: earlier ones end trials that would
        # have made the front (benchmarks/RESULTS.md).
        grace = section.grace_epochs or math.ceil(budget / section.factor**2)
        self.rungs = rung_epochs(grace, section.factor, budget, every)
        self._trials: dict[int, list[int]] = {epoch: [] for epoch in self.rungs}
        self._points: dict[int, list[list[float]]] = {epoch: [] for epoch in self.rungs}

    def _decide(self, trial: int, measurement: Measurement) -> Stop | None:
        epoch, config = measurement.epoch, self._config
        if epoch not in self._trials:
            return None
        self._trials[epoch].append(trial)
        self._points[epoch].append(self._values(measurement))
        trials, points = self._trials[epoch], self._points[epoch]
        verdict = judge(epoch, trials, points, config.directions, config.early_stopping.factor)
        if verdict.is_kept:
            return None
        shown = ", ".join(map(str, verdict.ahead[:6])) + (" ..." if len(verdict.ahead) > 6 else "")
        reason = (
            f"rung {epoch}: rank {verdict.rank} of {verdict.num_trials}, of which "
            f"{verdict.num_kept} go on; behind {shown}"
        )
        return Stop(reason, {"rule": "halving", **dataclasses.asdict(verdict)})


@final
class Threshold(EarlyStopping):
    """Ends a trial that is worse than a fixed value in any metric named, after a grace."""

    def _decide(self, trial: int, measurement: Measurement) -> Stop | None:
        section = self._config.early_stopping
        if measurement.epoch < (section.grace_epochs or 1):
            return None
        for name, bound in section.thresholds.items():
            value = measurement.metrics.get(name, math.nan)
            direction = self._config.objectives[name]
            if losses([value], [direction])[0] > losses([bound], [direction])[0]:
                reason = f"epoch {measurement.epoch}: {name} {value:.4g} is worse than {bound:g}"
                details = {"epoch": measurement.epoch, "metric": name, "value": value}
                return Stop(reason, {"rule": "threshold", **details, "bound": bound})
        return None


@final
class Plateau(EarlyStopping):
    """Ends a trial in which no objective has improved for some measurements."""

    def __init__(self, config: StudyConfig):
        super().__init__(config)
        self._best: dict[int, list[float]] = {}
        self._still: dict[int, int] = {}

    def _decide(self, trial: int, measurement: Measurement) -> Stop | None:
        section = self._config.early_stopping
        values = losses(self._values(measurement), self._config.directions).tolist()
        best = self._best.get(trial)
        if best is None:
            self._best[trial], self._still[trial] = values, 0
            return None
        gains = [
            old - new > section.min_change * abs(old) for old, new in zip(best, values, strict=True)
        ]
        self._best[trial] = [min(pair) for pair in zip(best, values, strict=True)]
        self._still[trial] = 0 if any(gains) else self._still[trial] + 1
        grace = section.grace_epochs or 1
        if self._still[trial] < section.patience or measurement.epoch < grace:
            return None
        reason = (
            f"epoch {measurement.epoch}: no objective has improved for {section.patience} "
            "measurements"
        )
        return Stop(reason, {"rule": "plateau", "epoch": measurement.epoch})


@final
class NoEarlyStopping(EarlyStopping):
    """Every trial runs to its budget."""

    def _decide(self, trial: int, measurement: Measurement) -> Stop | None:
        return None


RULES: Mapping[str, type[EarlyStopping]] = {
    "none": NoEarlyStopping,
    "halving": Halving,
    "threshold": Threshold,
    "plateau": Plateau,
}


def make_early_stopping(config: StudyConfig) -> EarlyStopping:
    """Returns the rule of a study, which has seen nothing yet."""
    return RULES[config.early_stopping.rule](config)


@final
class Stops:
    """Which trials a rule ends, as it is shown one measurement after another.

    Args:
        rule: Has seen nothing yet; None ends nothing.
    """

    def __init__(self, rule: EarlyStopping | None):
        self._rule = rule
        self._found: dict[int, Stop] = {}

    def observe(self, trial: int, params: Params, measurements: Sequence[Measurement]) -> None:
        """Shows measurements of a trial, in the recorded order; known ones are nothing new."""
        for item in measurements if self._rule is not None else ():
            stop = self._rule.observe(trial, params, item)  # type: ignore[union-attr]
            if stop is not None:
                self._found.setdefault(trial, stop)

    def get(self, trial: int) -> Stop | None:
        """Returns why a trial ends, None if it goes on."""
        return self._found.get(trial)

    def __contains__(self, trial: int) -> bool:
        return trial in self._found
