"""One attempt at one trial: train, measure, keep what may matter, report. Runs in a worker."""

import contextlib
import dataclasses
import io
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final, Protocol, final

from search.assignment import Assignment, Round
from search.candidates import candidates, objective_values
from search.config import StudyConfig
from search.errors import StoreError
from search.front import non_dominated
from search.stopwatch import Stopwatch
from search.store import Checkpoint, TrialStore, pruned
from search.strips import MOST_STRIPS, strip_epoch, strip_name
from search.trial import Measurement, Trial

_log = logging.getLogger(__name__)  # what it is told stands in the trial's log

_STORE_PAUSES_SECONDS: Final = (1.0, 3.0)


class Training(Protocol):
    """What is trained: a model, or whatever a test puts in its place."""

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        ...

    @property
    def step(self) -> int:
        """Steps done of the next epoch."""
        ...

    @property
    def compile_seconds(self) -> float:
        """Seconds that this process has spent on compiling so far."""
        ...

    @property
    def is_reused(self) -> bool:
        """Whether what it needs was compiled before."""
        ...

    def costs(self) -> dict[str, float]:
        """Returns what the training takes: `train_seconds`, over all attempts, and the like."""
        ...

    def run_epoch(self) -> Mapping[str, float] | None:
        """Trains to the end of the epoch; returns its losses, None if told to stop before."""
        ...

    def measure(self) -> dict[str, float]:
        """Returns the metrics of the current state."""
        ...

    def weights(self) -> bytes:
        """Returns the current weights as a file."""
        ...

    def strip(self) -> bytes | None:
        """Returns images generated from the same noise at every call, as a PNG file, if it can."""
        ...

    def pictures(self) -> dict[str, bytes]:
        """Returns files to look at, by name."""
        ...

    def config(self) -> bytes:
        """Returns, as a file, what the weights belong to."""
        ...

    def save(self, file: BinaryIO) -> None:
        """Writes the whole state of the training."""
        ...

    def restore(self, file: BinaryIO) -> None:
        """Goes to a saved state."""
        ...


@final
class TrialRun:
    """Trains one trial from where its newest checkpoint stands to its budget.

    Args:
        config: The study file.
        store: Where its checkpoints are.
        assignment: The trial and the attempt.
        training: At its beginning.
    """

    def __init__(
        self, config: StudyConfig, store: TrialStore, assignment: Assignment, training: Training
    ):
        self._config = config
        self._store = store
        self._task = assignment
        self._training = training
        self._epochs = assignment.epochs or _measured_epochs(config)
        self._measurements: list[Measurement] = []
        self._shown_epochs = frozenset(_evenly(self._epochs, MOST_STRIPS))
        self._weights: dict[int, bytes] = {}  # epoch -> weights still to be written
        self._strips: dict[str, bytes] = {}  # name -> row of images still to be written
        self._strip_names: set[str] = set()  # of all that there are
        self._checkpoint: Checkpoint | None = None  # this attempt's newest
        self._is_first_round = True
        self._watch = Stopwatch()
        self._restore()

    def next_round(self) -> Round:
        """Trains to the next measured epoch, saves, and returns what to report."""
        training, known = self._training, len(self._measurements)
        target = next((epoch for epoch in self._epochs if epoch > training.epoch), None)
        if target is None:  # ended between its last checkpoint and its report
            return self._report(known, "complete")
        while training.epoch < target:
            with self._timing("train"):
                losses = training.run_epoch()
            if losses is None:
                self._save()
                return self._report(known, "interrupted")
            if not math.isfinite(losses["loss"]):
                reason = f"the loss became {losses['loss']} in epoch {training.epoch}"
                return self._report(known, "failed", reason)
            self._note(losses, measured=training.epoch == target)
        is_last = target == self._epochs[-1]
        with self._timing("save"):
            pictures = training.pictures() if is_last else {}
        self._save(pictures)
        return self._report(known, "complete" if is_last else None)

    def _note(self, losses: Mapping[str, float], measured: bool) -> None:
        """Adds the measurement of the epoch that just ended."""
        metrics = {f"train_{name}": value for name, value in losses.items() if name != "beta"}
        metrics["beta"] = losses["beta"]
        training = self._training
        metrics |= training.costs()
        if measured:
            with self._timing("measure"):
                metrics |= training.measure()
            self._weights[training.epoch] = training.weights()
        with self._timing("save"):
            if training.epoch in self._shown_epochs and (strip := training.strip()):
                self._strips[strip_name(training.epoch)] = strip
                self._strip_names |= self._strips.keys()
        self._measurements.append(
            Measurement(training.epoch, metrics, time.time(), self._task.attempt)
        )
        figures = "  ".join(f"{name}={value:.5g}" for name, value in metrics.items())
        _log.info("epoch %d  %s", training.epoch, figures)

    def _restore(self) -> None:
        checkpoint = self._store.newest(self._task.trial)
        if checkpoint is None or checkpoint.notes["state"] is None:  # the latter was pruned
            _log.info("begins at epoch 0")
            return
        read = self._store.read
        notes = checkpoint.notes
        self._training.restore(io.BytesIO(read(checkpoint, notes["state"])))
        self._measurements = [Measurement(**item) for item in notes["measurements"]]
        self._strip_names = {name for name in checkpoint.objects if strip_epoch(name) is not None}
        # An attempt's folder stands alone, so what an earlier one kept is written again.
        self._strips = {name: read(checkpoint, name) for name in self._strip_names}
        self._weights = {
            int(epoch): read(checkpoint, name) for epoch, name in notes["weights"].items()
        }
        where = f"epoch {checkpoint.epoch}, step {checkpoint.step} of the next"
        _log.info("goes on from %s, saved by attempt %d", where, checkpoint.attempt)

    @contextlib.contextmanager
    def _timing(self, part: str) -> Iterator[None]:
        """Adds the time that passes inside to a part, but for what is spent on compiling."""
        training = self._training
        start, compiled = time.perf_counter(), training.compile_seconds
        try:
            yield
        finally:
            compiled = training.compile_seconds - compiled
            self._watch.add("compile", compiled)
            self._watch.add(part, time.perf_counter() - start - compiled)

    def _save(self, pictures: Mapping[str, bytes] | None = None) -> None:
        """Writes a checkpoint: the state, and the weights of epochs not dominated in the trial."""
        with self._timing("save"):
            self._write(pictures or {})

    def _write(self, pictures: Mapping[str, bytes]) -> None:
        position = (self._training.epoch, self._training.step)
        state_name = f"state-{position[0]:06d}-{position[1]:09d}.npz"
        state = io.BytesIO()
        self._training.save(state)
        kept = self._epochs_to_keep()
        names = {epoch: f"weights-{epoch:06d}.npz" for epoch in kept}
        objects = {state_name: state.getvalue(), **self._strips, **pictures}
        objects |= {names[e]: content for e, content in self._weights.items() if e in kept}
        previous = self._checkpoint
        if previous is None:
            objects["config.json"] = self._training.config()
        notes = {
            "state": state_name,
            "weights": {str(epoch): name for epoch, name in names.items()},
            "measurements": [_plain(item) for item in self._measurements],
        }
        stays = {"config.json", *names.values(), *self._strip_names}
        carry = pruned(previous, stays) if previous else None
        store, task = self._store, self._task
        self._checkpoint = _patiently(
            lambda: store.save(task.trial, task.attempt, position, objects, notes, carry)
        )
        self._weights, self._strips = {}, {}
        store.tidy(self._checkpoint)

    def _epochs_to_keep(self) -> list[int]:
        """Returns the measured epochs that no other epoch of the trial dominates, and the last."""
        found = candidates(self._config, [Trial(0, {}, measurements=self._measurements)])
        if not found:
            return []
        values = objective_values(self._config, found)
        keep = non_dominated(values, self._config.directions)
        keep[-1] = True
        return sorted({c.epoch for c, kept in zip(found, keep, strict=True) if kept})

    def _report(self, known: int, outcome: str | None, reason: str | None = None) -> Round:
        news, counts = self._measurements[known:], {}
        if self._is_first_round:
            news = self._measurements
            counts = {"attempts": 1, "reused": int(self._training.is_reused)}
        self._is_first_round = False
        return Round(list(news), outcome, reason, self._watch.taken(), counts)


def _patiently(action: Callable[[], Checkpoint]) -> Checkpoint:
    """Does something to the store, again after a pause if it refuses: most refusals pass."""
    for pause in _STORE_PAUSES_SECONDS:
        try:
            return action()
        except StoreError as error:
            _log.warning("%s Another attempt in %g s.", error, pause)
            time.sleep(pause)
    return action()


def _measured_epochs(config: StudyConfig) -> list[int]:
    """Returns the epochs after which a trial of the search is measured; the last is its budget."""
    every, budget = config.measure.every_epochs, config.budget.epochs
    return [*range(every, budget, every), budget]


def _evenly(epochs: Sequence[int], most: int) -> list[int]:
    """Returns at most so many epochs, evenly spread, the first and the last among them."""
    last = len(epochs) - 1
    count = min(most, len(epochs))
    return [epochs[round(index * last / max(count - 1, 1))] for index in range(count)]


def _plain(measurement: Measurement) -> dict[str, Any]:
    return {**dataclasses.asdict(measurement), "metrics": dict(measurement.metrics)}
