"""One attempt at one trial: train, measure, keep what may matter, report. Runs in a worker."""

import dataclasses
import io
import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, final

import numpy as np

from search.assignment import Assignment, Round
from search.candidates import candidates, objective_values
from search.config import StudyConfig
from search.errors import StoreError
from search.front import non_dominated
from search.models.images import ImageFolders
from search.models.judge import open_judge
from search.models.measuring import Measurer
from search.models.params import model_config, own_sampler, training_config
from search.seeds import Purpose, derive_seed
from search.store import Checkpoint, TrialStore, pruned
from search.trial import Measurement, Trial
from vaemodels.analysis.sheets import image_pairs, image_sheet, write_png
from vaemodels.io import write_weights
from vaemodels.training import Trainer

_SHEET_IMAGES: Final = 64  # of the final pictures of a trial
_SHEET_COLUMNS: Final = 16
_STORE_PAUSES_SECONDS: Final = (1.0, 3.0)


@final
class Bench:
    """What a worker keeps from trial to trial: the images, their judge, the store."""

    def __init__(self, config: StudyConfig, search_id: str, store: str, folders: ImageFolders):
        self.config = config
        self.store = TrialStore(store, search_id)
        self.dataset = folders.images()
        judge = open_judge(folders, self.dataset, "validation")
        seed = derive_seed(config.seed, Purpose.GENERATING)
        self.measurer = Measurer(config, self.dataset, self.dataset.validation, judge, seed)


@final
class TrialRun:
    """Trains one trial from where its newest checkpoint stands to its budget.

    Args:
        bench: Of this worker.
        assignment: The trial and the attempt.
        should_stop: Asked between compiled chunks; once true, the run saves and ends.
    """

    def __init__(self, bench: Bench, assignment: Assignment, should_stop: Callable[[], bool]):
        self._bench = bench
        self._task = assignment
        self._should_stop = should_stop
        config, dataset = bench.config, bench.dataset
        params = config.model_params(assignment.params)
        self._trainer = Trainer(
            model_config(params, dataset.image_shape),
            training_config(params, config.budget.epochs, assignment.seed),
            dataset.train.images,
            dataset.scale,
            should_stop,
        )
        self._sampler = own_sampler(params)
        self._measurements: list[Measurement] = []
        self._weights: dict[int, bytes] = {}  # epoch -> weights still to be written
        self._checkpoint: Checkpoint | None = None  # this attempt's newest
        self._is_first_round = True
        self._restore()

    def next_round(self) -> Round:
        """Trains to the next measured epoch, saves, and returns what to report."""
        budget, every = self._bench.config.budget.epochs, self._bench.config.measure.every_epochs
        target = min(budget, (self._trainer.epoch // every + 1) * every)
        if self._trainer.epoch >= budget:  # ended between its last checkpoint and its report
            return self._report(len(self._measurements), "complete")
        known = len(self._measurements)
        while self._trainer.epoch < target:
            losses = self._trainer.run_epoch()
            if losses is None:
                self._save()
                return self._report(known, "interrupted")
            if not math.isfinite(losses["loss"]):
                reason = f"the loss became {losses['loss']} in epoch {self._trainer.epoch}"
                return self._report(known, "failed", reason)
            self._note(losses, measured=self._trainer.epoch == target)
        is_last = target == budget
        self._save(self._pictures() if is_last else {})
        return self._report(known, "complete" if is_last else None)

    def _note(self, losses: Mapping[str, float], measured: bool) -> None:
        """Adds the measurement of the epoch that just ended."""
        metrics = {f"train_{name}": value for name, value in losses.items() if name != "beta"}
        metrics["beta"] = losses["beta"]
        metrics["train_seconds"] = self._trainer.train_seconds
        if measured:
            metrics |= self._bench.measurer.measure(self._trainer, self._sampler)
            self._weights[self._trainer.epoch] = self._current_weights()
        self._measurements.append(
            Measurement(self._trainer.epoch, metrics, time.time(), self._task.attempt)
        )

    def _restore(self) -> None:
        checkpoint = self._bench.store.newest(self._task.trial)
        if checkpoint is None:
            return
        read = self._bench.store.read
        notes = checkpoint.notes
        self._trainer.restore(io.BytesIO(read(checkpoint, notes["state"])))
        self._measurements = [Measurement(**item) for item in notes["measurements"]]
        # An attempt's folder stands alone, so what an earlier one kept is written again.
        self._weights = {
            int(epoch): read(checkpoint, name) for epoch, name in notes["weights"].items()
        }

    def _save(self, pictures: Mapping[str, bytes] | None = None) -> None:
        """Writes a checkpoint: the state, and the weights of epochs not dominated in the trial."""
        position = (self._trainer.epoch, self._trainer.step)
        state_name = f"state-{position[0]:06d}-{position[1]:09d}.npz"
        state = io.BytesIO()
        self._trainer.save(state)
        kept = self._epochs_to_keep()
        names = {epoch: f"weights-{epoch:06d}.npz" for epoch in kept}
        objects = {state_name: state.getvalue(), **(pictures or {})}
        objects |= {names[e]: content for e, content in self._weights.items() if e in kept}
        previous = self._checkpoint
        if previous is None:
            config = json.dumps(self._trainer.vae.config.to_json(), indent=1)
            objects["config.json"] = config.encode()
        notes = {
            "state": state_name,
            "weights": {str(epoch): name for epoch, name in names.items()},
            "measurements": [_plain(item) for item in self._measurements],
        }
        carry = pruned(previous, {"config.json", *names.values()}) if previous else None
        store, task = self._bench.store, self._task
        self._checkpoint = _patiently(
            lambda: store.save(task.trial, task.attempt, position, objects, notes, carry)
        )
        self._weights = {}
        store.tidy(self._checkpoint)

    def _epochs_to_keep(self) -> list[int]:
        """Returns the measured epochs that no other epoch of the trial dominates, and the last."""
        found = candidates(self._bench.config, [Trial(0, {}, measurements=self._measurements)])
        if not found:
            return []
        values = objective_values(self._bench.config, found)
        keep = non_dominated(values, self._bench.config.directions)
        keep[-1] = True
        return sorted({c.epoch for c, kept in zip(found, keep, strict=True) if kept})

    def _current_weights(self) -> bytes:
        file = io.BytesIO()
        write_weights(self._trainer.vae, file)
        return file.getvalue()

    def _pictures(self) -> dict[str, bytes]:
        """Returns PNG files of generated images, and of originals beside their reconstructions."""
        trainer, dataset = self._trainer, self._bench.dataset
        sampler = trainer.latent_sampler(self._sampler)
        noise = self._bench.measurer.noise(sampler.noise_width)[:_SHEET_IMAGES]
        samples = trainer.generate(noise, sampler)
        count = _SHEET_IMAGES // 2
        originals = dataset.validation.images[:count] / np.float32(dataset.scale)
        rebuilt = trainer.inference.reconstruct(originals)
        pairs = image_pairs(originals, rebuilt)
        return {"samples.png": _png(samples), "reconstructions.png": _png(pairs)}

    def _report(self, known: int, outcome: str | None, reason: str | None = None) -> Round:
        news = self._measurements if self._is_first_round else self._measurements[known:]
        self._is_first_round = False
        return Round(list(news), outcome, reason)


def _patiently(action: Callable[[], Checkpoint]) -> Checkpoint:
    """Does something to the store, again after a pause if it refuses: most refusals pass."""
    for pause in _STORE_PAUSES_SECONDS:
        try:
            return action()
        except StoreError:
            time.sleep(pause)
    return action()


def _png(images: Any) -> bytes:
    file = io.BytesIO()
    write_png(image_sheet(images, columns=_SHEET_COLUMNS), file)
    return file.getvalue()


def _plain(measurement: Measurement) -> dict[str, Any]:
    return {**dataclasses.asdict(measurement), "metrics": dict(measurement.metrics)}
