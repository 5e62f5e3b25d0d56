"""The process that runs trials, one after another: a Ray Tune trainable that is reused."""

import dataclasses
import traceback
from typing import Any, final

from ray import tune

from search.assignment import Assignment, Round
from search.config import StudyConfig
from search.errors import StoreError
from search.models.images import ImageFolders


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Shared:
    """What every worker of a search needs, besides its assignment."""

    config: StudyConfig
    search_id: str
    store: str
    folders: ImageFolders
    flag: Any  # handle of a StopFlag


@final
class TrialWorker(tune.Trainable):
    """Runs assignments. Every exception inside of a trial is a result: the trial failed."""

    def setup(self, config: dict[str, Any], shared: Shared) -> None:  # type: ignore[override]
        from search.executor.stop_flag import FlagWatch

        self._shared = shared
        self._should_stop = FlagWatch(shared.flag)
        self._bench: Any = None
        self._take(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._take(new_config)
        return True

    def step(self) -> dict[str, Any]:
        report = self._next_round()
        return {"report": report.to_json(), "done": report.outcome is not None}

    def _take(self, config: dict[str, Any]) -> None:
        self._assignment = Assignment.from_json(config["assignment"])
        self._run: Any = None

    def _next_round(self) -> Round:
        bench = self._opened_bench()
        try:
            if self._run is None:
                self._run = self._start(bench)
            return self._run.next_round()
        except StoreError as error:
            return Round([], "blocked", str(error))
        except Exception as error:  # noqa: BLE001 - whatever a trial does, the search goes on
            return Round([], "failed", _describe(error))

    def _opened_bench(self) -> Any:
        """Returns the images, their judge and the store; what fails here is no trial's fault.

        An exception ends the process, and the trial goes on in another one, perhaps elsewhere.
        """
        from search.models.trial_run import Bench

        if self._bench is None:
            shared = self._shared
            self._bench = Bench(shared.config, shared.search_id, shared.store, shared.folders)
        return self._bench

    def _start(self, bench: Any) -> Any:
        from search.models.trial_run import TrialRun
        from vaemodels.devices import release_memory

        release_memory()  # of the trial before
        return TrialRun(bench, self._assignment, self._should_stop)


def _describe(error: Exception) -> str:
    """Returns what was raised and where, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())[:500]
    return f"{type(error).__name__}: {text}{where}"
