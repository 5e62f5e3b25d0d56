"""What Ray Tune's hooks need of a desk: of a search's, or of a confirmation's."""

from collections.abc import Mapping
from typing import Any, Protocol

from search.assignment import Assignment, Round
from search.errors import SearchError


class TrialDesk(Protocol):
    """Hands out attempts and hears what comes of them.

    Attributes:
        error: What ended it, if something did.
    """

    error: SearchError | None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to hand out and nothing is out."""
        ...

    @property
    def num_live(self) -> int:
        """How many attempts are out."""
        ...

    @property
    def num_wanted(self) -> int:
        """How many attempts could be out if there was room for all."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether nothing is handed out any more, although something may be left."""
        ...

    def hand_out(self, worker: str) -> Assignment | None:
        """Returns the next attempt for a worker, None if there is none now."""
        ...

    def hear(self, worker: str, report: Round) -> None:
        """Records what a worker reports; it may repeat its last report."""
        ...

    def is_stopped(self, worker: str) -> bool:
        """Whether the trial of a worker was ended early, and the worker is free for another."""
        ...

    def lose(self, worker: str) -> None:
        """Records that a worker's process died."""
        ...

    def look(self) -> None:
        """Looks at what people ask for; called again and again, also while nothing is reported."""
        ...

    def keep(self, num: int) -> None:
        """Has those that started last save, end and wait, where more than `num` are out."""
        ...

    def end(self) -> None:
        """Ends the desk: whatever is out will not report any more."""
        ...

    def note(self, kind: str, details: Mapping[str, Any]) -> None:
        """Notes an event in the search's history."""
        ...

    def note_cause(self, worker: str, cause: str) -> None:
        """Remembers what is known of a worker's death, for the record that follows."""
        ...
