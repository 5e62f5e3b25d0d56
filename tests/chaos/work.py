"""A search's work without Keras: each trial is a chain of numbers that costs about a second.

Every epoch depends on the one before, so that a state that was lost, mixed up or restored from the
wrong place shows in all later figures.
"""

import io
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

import numpy as np

from search.assignment import Assignment
from search.showcase import Showcase
from search.store import TrialStore
from search.trial_run import TrialRun
from search.work import Shared, Work

STEPS: Final = 6
STEP_SECONDS: Final = 0.02
WEIGHT_BYTES: Final = 60_000
_FAILS_BELOW: Final = 0.04  # share of the seeds whose loss becomes NaN in the third epoch


def next_value(value: float) -> float:
    """One step of the chain: deterministic, never returning to where it was."""
    return math.fmod(value * 997.0 + 0.123456789, 1.0)


def figures(params: Mapping[str, Any], value: float, epoch: int) -> dict[str, float]:
    """Returns the objectives of a trial whose chain is at `value` after an epoch."""
    fid = 10.0 * params["latent_dim"] * (1.0 + 3.0 / epoch) + value
    return {"fid": fid, "tvd": 0.01 / params["beta"] + 0.001 * value}


def expected(params: Mapping[str, Any], seed: int, epochs: int) -> list[dict[str, float]]:
    """Returns what a trial measures after each of its epochs, undisturbed."""
    value, found = _first_value(seed), []
    for epoch in range(1, epochs + 1):
        for _ in range(STEPS):
            value = next_value(value)
        found.append(figures(params, value, epoch))
    return found


def fails(seed: int) -> bool:
    """Returns whether the loss of a trial becomes NaN."""
    return _first_value(seed + 1) < _FAILS_BELOW


class ChainTraining:
    """What `search.trial_run` trains, without anything to train."""

    def __init__(self, task: Assignment, should_stop: Callable[[], bool]):
        self._task, self._should_stop = task, should_stop
        self._value = _first_value(task.seed)
        self.epoch, self.step, self.train_seconds = 0, 0, 0.0

    def run_epoch(self) -> dict[str, float] | None:
        while self.step < STEPS:
            if self._should_stop():
                return None
            time.sleep(STEP_SECONDS)
            self.train_seconds += STEP_SECONDS
            self._value = next_value(self._value)
            self.step += 1
        self.epoch, self.step = self.epoch + 1, 0
        is_lost = self.epoch == 3 and fails(self._task.seed)
        return {"loss": math.nan if is_lost else self._value, "beta": 1.0}

    def measure(self) -> dict[str, float]:
        return figures(self._task.params, self._value, self.epoch)

    @property
    def compile_seconds(self) -> float:
        return 0.0

    @property
    def is_reused(self) -> bool:
        return False

    def costs(self) -> dict[str, float]:
        return {"train_seconds": self.train_seconds}

    def strip(self) -> None:
        return None

    def weights(self) -> bytes:
        return np.random.default_rng(self.epoch).bytes(WEIGHT_BYTES)

    def pictures(self) -> dict[str, bytes]:
        return {}

    def config(self) -> bytes:
        return b"{}"

    def save(self, file: BinaryIO) -> None:
        state = [self._value, self.epoch, self.step, self.train_seconds]
        np.savez(file, state=np.array(state))

    def restore(self, file: BinaryIO) -> None:
        state = np.load(io.BytesIO(file.read()))["state"]
        self._value, self.train_seconds = float(state[0]), float(state[3])
        self.epoch, self.step = int(state[1]), int(state[2])


class ChainBench:
    def __init__(self, shared: Shared):
        self._shared = shared
        self._store = TrialStore(shared.store, shared.search_id)

    def start(self, assignment: Assignment, should_stop: Callable[[], bool]) -> TrialRun:
        training = ChainTraining(assignment, should_stop)
        return TrialRun(self._shared.config, self._store, assignment, training)


def _prepare(*_: Any) -> tuple[str, dict[str, Any]]:
    return "no folders", {"ceiling": {"fid": 1000.0, "tvd": 2.0}}


def _remeasure(*arguments: Any) -> dict[tuple[int, int], dict[str, float]]:
    return {candidate: {"fid": 1.0, "tvd": 1.0} for candidate in arguments[4]}


def _first_value(seed: int) -> float:
    return math.fmod(seed * 0.618033988749895, 1.0)


def _show(*arguments: Any) -> int:
    _, search_id, store, _, wanted, _ = arguments
    for key in wanted:
        Showcase(store, search_id).add(*key, {"chain.txt": b"a chain"})
    return len(wanted)


CHAINS: Final = Work(_prepare, ChainBench, _remeasure, _show)
