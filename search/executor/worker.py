"""The process that runs trials, one after another: a Ray Tune trainable that is reused."""

import dataclasses
import gc
import logging
import time
import traceback
from typing import Any, Final, final

from ray import tune

from search.assignment import Assignment, Round
from search.errors import StoreError
from search.executor.gpu_memory import limit_this_process
from search.stopwatch import Stopwatch
from search.store import TrialStore, confirmation_folder
from search.trial_log import TrialLog
from search.work import Bench, Run, Shared

_log = logging.getLogger(__name__)

# How TensorFlow, XLA and Python say that memory, a GPU's or the machine's, does not suffice.
_OUT_OF_MEMORY: Final = ("ResourceExhausted", "RESOURCE_EXHAUSTED", "MemoryError", "OOM when")


@final
class TrialWorker(tune.Trainable):
    """Runs assignments. Every exception inside of a trial is a result: the trial failed."""

    def setup(self, config: dict[str, Any], shared: Shared) -> None:  # type: ignore[override]
        from search.executor.stop_flag import FlagWatch

        self._shared = shared
        self._should_stop = FlagWatch(shared.flag)
        self._bench: Bench | None = None
        self._trial_log: TrialLog | None = None
        self._watch = Stopwatch()
        self._last_step_ended = time.perf_counter()
        self._take(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._take(new_config)
        return True

    def cleanup(self) -> None:
        self._end_log()

    def step(self) -> dict[str, Any]:
        self._watch.add("wait", time.perf_counter() - self._last_step_ended)
        report = self._reported()
        self._last_step_ended = time.perf_counter()
        return {
            "report": report.to_json(),
            "done": report.outcome is not None,
            "has_raised": self._has_raised,
            "node": self._should_stop.node,
            "seconds": time.monotonic() - self._started,
        }

    def _reported(self) -> Round:
        """Goes on to the next report, with where the time went since the last one."""
        if self._trial_log is None:
            self._trial_log = TrialLog(self._assignment, self._save_log)
        with self._trial_log.recording():
            report = self._next_round(self._trial_log)
        if report.outcome is not None:
            reason = f": {report.reason}" if report.reason else ""
            self._trial_log.end(f"{report.outcome}{reason}")
        return dataclasses.replace(report, seconds={**report.seconds, **self._watch.taken()})

    def _take(self, config: dict[str, Any]) -> None:
        self._end_log()
        self._assignment = Assignment.from_json(config["assignment"])
        task = self._assignment
        self._should_stop.begin(task.trial, task.attempt)
        self._started = time.monotonic()
        self._has_raised = False
        self._run: Run | None = None

    def _next_round(self, log: TrialLog) -> Round:
        with self._watch.timing("open"):
            bench = self._opened_bench()
        log.note_device()
        try:
            if self._run is None:
                with self._watch.timing("start"):
                    self._run = bench.start(self._assignment, self._should_stop)
            return self._run.next_round()
        except StoreError as error:
            _log.error("the store refuses", exc_info=error)
            return Round([], "blocked", str(error))
        except Exception as error:  # noqa: BLE001 - whatever a trial does, the search goes on
            _log.error("the trial failed", exc_info=error)
            self._has_raised = True
            is_memory = any(name in f"{type(error).__name__}: {error}" for name in _OUT_OF_MEMORY)
            return Round([], "exhausted" if is_memory else "failed", _describe(error))

    def _opened_bench(self) -> Bench:
        """Returns the images, their judge and the store; what fails here is no trial's fault.

        An exception ends the process, and the trial goes on in another one, perhaps elsewhere.
        """
        if self._bench is None:
            self._limit_memory()
            self._bench = self._shared.work.open_bench(self._shared)
            # What is there by now stays: the libraries alone are a million objects, for which each
            # collection between two trials would take a fifth of a second.
            gc.collect()
            gc.freeze()
        return self._bench

    def _limit_memory(self) -> None:
        """Keeps this process to its part of a GPU that it shares."""
        if not self._assignment.is_alone:
            limit_this_process(self._shared.config.resources.gpus)

    def _save_log(self, text: str) -> None:
        task, folder = self._assignment, self._shared.search_id
        if task.repeat:
            folder = confirmation_folder(folder, task.repeat, task.epochs)
        TrialStore(self._shared.store, folder).write_log(task.trial, task.attempt, text)

    def _end_log(self) -> None:
        """Ends the log of an attempt that the driver took from this worker."""
        if self._trial_log is not None:
            self._trial_log.end("by the driver, which knows the reason")
            self._trial_log = None


def _describe(error: Exception) -> str:
    """Returns what was raised and where, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())[:500]
    return f"{type(error).__name__}: {text}{where}"
