"""Ray Tune asks here what to run next, and tells here what came of it."""

from collections.abc import Callable
from typing import Any, final

from ray.tune.search import Searcher

from search.assignment import Round
from search.executor.desk_protocol import TrialDesk
from search.spending import Spending


@final
class DeskSearcher(Searcher):
    """Hands the desk's assignments to Tune. Every Tune trial is one attempt at one of ours.

    No more of them are out than there are slots, else they would wait inside of Ray and take the
    place of other searches' trials. Tune never retries: an attempt that died is handed out again
    as a new Tune trial.
    """

    def __init__(self, desk: TrialDesk, slots: Callable[[], int], spending: Spending):
        super().__init__(metric=None, mode=None)
        self._desk = desk
        self._spending = spending
        self._slots = slots

    def suggest(self, trial_id: str) -> Any:
        has_room = self._desk.num_live < self._slots()
        with self._spending.timing("study"):
            assignment = self._desk.hand_out(trial_id) if has_room else None
        if assignment is None:  # a trial that runs now may be lost and come back
            return Searcher.FINISHED if self._desk.is_done else None
        return {"assignment": assignment.to_json()}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Does nothing: the scheduler has heard it."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        if error or result is None or "report" not in result:
            self._desk.lose(trial_id)
        else:
            with self._spending.timing("study"):
                self._desk.hear(trial_id, Round.from_json(result["report"]))

    def save(self, checkpoint_path: str) -> None:
        """Saves nothing: the study is the truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Restores nothing: a search is resumed from its study, never from Tune's files."""

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles its searcher into a file that nobody reads
