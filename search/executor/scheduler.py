"""The hooks by which Ray Tune tells why an attempt died, and is told to end."""

import contextlib
import time
from collections.abc import Callable
from typing import Any, Final, final

import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from search.assignment import Assignment, Round
from search.errors import LeaseLostError
from search.executor.desk_protocol import TrialDesk
from search.executor.nodes import NodeWatch
from search.executor.placement import Placement
from search.spending import Spending

# How long, once the desk is closed, workers may take to save and end. One that cannot (its node is
# gone, or it hangs) must not keep the driver from ending.
_PARTING_SECONDS: Final = 60.0
_OVERTAKEN_SECONDS: Final = 10.0  # what they save is of no use where another driver goes on
_ANSWER_SECONDS: Final = 2.0


@final
class DeskScheduler(FIFOScheduler):
    """Runs attempts in the order of the desk, and ends those that the desk stops early.

    Args:
        desk: Of a search or a confirmation.
        placement: Says what attempts ask of Ray, and hears how they fare there.
        flag: Handle of the `StopFlag`, which knows where attempts began.
        slots: How many may run at once, now.
        spending: Hears where the workers' time goes.
    """

    def __init__(
        self,
        desk: TrialDesk,
        placement: Placement,
        flag: Any,
        slots: Callable[[], int],
        spending: Spending,
    ):
        super().__init__()
        self._spending = spending
        self._desk = desk
        self._slots = slots
        self._placement = placement
        self._flag = flag
        self._kept: list[Any] = []  # what processes ask of Ray that are kept between two trials
        self._unfinished: list[Any] = []  # Tune's trials, the oldest first

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        self._unfinished.append(trial)
        assignment = Assignment.from_json(trial.config["assignment"])
        request = self._placement.request(assignment.is_alone)
        trial.update_resources(request)
        if request not in self._kept:
            # Else Tune ends all but one of the processes that are free at the same moment.
            self._kept.append(request)
            cache = tune_controller._tune_controller._actor_cache
            cache.increase_max(request, by=self._slots())

    def choose_trial_to_run(self, tune_controller: Any, **options: Any) -> Any:
        # Tune's own scheduler looks several times a trial through all that there ever were.
        self._unfinished = [trial for trial in self._unfinished if not trial.is_finished()]
        chosen = next((t for t in self._unfinished if t.status == t.PENDING), None)
        controller, desk = tune_controller._tune_controller, self._desk
        # Tune keeps a process that has nothing to do, with its place on the cluster, until another
        # one ends.
        if chosen is None:  # other searches may wait for that place
            is_in_the_way = desk.num_live >= min(self._slots(), desk.num_wanted)
        else:  # or this attempt, which asks for another one, and would wait for ever
            request = chosen.placement_group_factory
            is_in_the_way = not controller._actor_cache.has_cached_object(request)
        if is_in_the_way:
            controller._cleanup_cached_actors(force_all=True)
        return chosen

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        # Tune asks its scheduler before it tells its searcher, and tells the searcher nothing of a
        # trial that is stopped: so this is where a report is heard.
        self._note_fare(result)
        with self._spending.timing("study"):
            self._desk.hear(trial.trial_id, Round.from_json(result["report"]))
        if self._desk.is_stopped(trial.trial_id):
            return TrialScheduler.STOP
        return TrialScheduler.CONTINUE

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        self._note_fare(result)  # of the last one `on_trial_result` is not told

    def _note_fare(self, result: dict[str, Any]) -> None:
        """Tells the placement how an attempt fares on its node, and what its time went into."""
        report = Round.from_json(result["report"])
        self._spending.hear(report)
        if result["has_raised"]:
            self._placement.failed(result["node"], result["seconds"], str(report.reason))
        elif report.outcome != "blocked":
            self._placement.went_well(result["node"])

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        error = trial.get_pickled_error()
        text = " ".join(str(error).split()) if error else "no reason known"
        self._desk.note_cause(trial.trial_id, text[:300])
        assignment = Assignment.from_json(trial.config["assignment"])
        with contextlib.suppress(ray.exceptions.RayError):
            asked = self._flag.start_of.remote(assignment.trial, assignment.attempt)
            if found := ray.get(asked, timeout=_ANSWER_SECONDS):
                node, seconds = found
                self._placement.failed(node, seconds, text)

    def __getstate__(self) -> dict[str, Any]:
        return {}  # as in DeskSearcher


@final
class DeskStopper(tune.Stopper):
    """Ends Tune when the desk is closed and its workers have had their time to say good-bye, or
    when there is no node left that could run anything.

    Attributes:
        has_nodes: Whether there still was one.
    """

    def __init__(
        self, desk: TrialDesk, slots: Callable[[], int], note_wanted: Callable[[int], None]
    ):
        self._desk = desk
        self._slots = slots
        self._note_wanted = note_wanted
        self._nodes = NodeWatch()
        self._closed_since: float | None = None
        self.has_nodes = True

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        self._desk.look()  # Tune asks here again and again, also while nothing is reported
        self._desk.keep(self._slots())
        self._note_wanted(self._desk.num_wanted)
        self.has_nodes = not self._nodes.are_all_gone()
        if not self.has_nodes:
            return True
        if not self._desk.is_closed:
            return False
        self._closed_since = self._closed_since or time.monotonic()
        is_overtaken = isinstance(self._desk.error, LeaseLostError)
        patience = _OVERTAKEN_SECONDS if is_overtaken else _PARTING_SECONDS
        return time.monotonic() - self._closed_since > patience

    def __getstate__(self) -> dict[str, Any]:
        return {}  # as in DeskSearcher
