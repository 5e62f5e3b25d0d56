"""The hooks by which Ray Tune tells why an attempt died, and is told to end."""

import time
from typing import Any, Final, final

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from search.assignment import Round
from search.executor.desk_protocol import TrialDesk
from search.executor.nodes import NodeWatch

# How long, once the desk is closed, workers may take to save and end. One that cannot (its node is
# gone, or it hangs) must not keep the driver from ending.
_PARTING_SECONDS: Final = 60.0


@final
class DeskScheduler(FIFOScheduler):
    """Runs attempts in the order of the desk, and ends those that the desk stops early."""

    def __init__(self, desk: TrialDesk):
        super().__init__()
        self._desk = desk

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        # Tune asks its scheduler before it tells its searcher, and tells the searcher nothing of a
        # trial that is stopped: so this is where a report is heard.
        self._desk.hear(trial.trial_id, Round.from_json(result["report"]))
        if self._desk.is_stopped(trial.trial_id):
            return TrialScheduler.STOP
        return TrialScheduler.CONTINUE

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        error = trial.get_pickled_error()
        text = " ".join(str(error).split()) if error else "no reason known"
        self._desk.note_cause(trial.trial_id, text[:300])

    def __getstate__(self) -> dict[str, Any]:
        return {}  # as in DeskSearcher


@final
class DeskStopper(tune.Stopper):
    """Ends Tune when the desk is closed and its workers have had their time to say good-bye, or
    when there is no node left that could run anything.

    Attributes:
        has_nodes: Whether there still was one.
    """

    def __init__(self, desk: TrialDesk):
        self._desk = desk
        self._nodes = NodeWatch()
        self._closed_since: float | None = None
        self.has_nodes = True

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        self._desk.look()  # Tune asks here again and again, also while nothing is reported
        self.has_nodes = not self._nodes.are_all_gone()
        if not self.has_nodes:
            return True
        if not self._desk.is_closed:
            return False
        self._closed_since = self._closed_since or time.monotonic()
        return time.monotonic() - self._closed_since > _PARTING_SECONDS

    def __getstate__(self) -> dict[str, Any]:
        return {}  # as in DeskSearcher
