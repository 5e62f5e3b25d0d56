"""Which trial comes next, and how many there will be."""

from collections.abc import Iterable
from typing import Final, final

from search.executor.asking import Asker
from search.study.reader import StudyReader
from search.study.requests import Kind, open_requests
from search.study.writer import StudyWriter
from search.trial import Trial, TrialState

# A sampler that takes longer is asked for a trial per worker, lest all of them end at once.
_SLOW_SECONDS: Final = 0.05


@final
class TrialQueue:
    """Trials that wait, and those that are still to be proposed.

    With several workers, trials are proposed ahead of time. A single one is kept waiting for its
    sampler, which so knows all that was measured before: such a search can be repeated exactly.

    Args:
        writer: The search, held by this driver.
        budget: How many trials the search should hold, but for retries.
        num_workers: How many trials run at once.

    Attributes:
        is_held_back: Whether only what people ask for is handed out: the search has settled.
    """

    def __init__(self, writer: StudyWriter, budget: int, num_workers: int = 1):
        self._writer = writer
        self._budget = budget
        self._num_workers = num_workers
        trials = writer.trials()
        self._waiting = [trial.number for trial in trials if trial.state is TrialState.WAITING]
        self._asked = {trial.number for trial in trials if trial.origin is not None}
        self._num_created = self._num_made = len(trials)
        reader = writer.reader
        self._num_retries = reader.record().num_retries
        points = open_requests(reader.engine, reader.id, Kind.ENQUEUE, Kind.RETRY)
        self._num_asked_for = len(points)
        self.is_held_back = False
        self._asker: Asker | None = None

    @property
    def has_more(self) -> bool:
        """Whether a trial waits or is still to come."""
        return bool(self._ready) or self._num_created < self._num_wanted

    @property
    def num_left(self) -> int:
        """How many trials wait or are still to come."""
        return len(self._ready) + max(0, self._num_wanted - self._num_created)

    @property
    def waiting(self) -> list[int]:
        """Numbers of the trials that wait, the next one first."""
        return list(self._waiting)

    def first(self, patience: float = 0.0) -> Trial | None:
        """Returns the trial that comes next, None if none is ready; it stays where it is.

        Args:
            patience: Seconds to wait for one that is being proposed.
        """
        if self._num_workers > 1:
            self._collect()
            self._order()
            if not self._ready and self._asker is not None:
                self._collect(patience)
        elif not self._ready and self._num_created < self._num_wanted:
            self._take_in(self._new_trial())
        return self._writer.trial(self._ready[0]) if self._ready else None

    def remove(self, number: int) -> None:
        """Takes a trial out: it runs now, or has ended."""
        self._waiting.remove(number)

    def put_first(self, number: int) -> None:
        """Has a trial come next."""
        self._waiting.insert(0, number)

    def note_requests(self, points: Iterable[object], num_retries: int) -> None:
        """Takes in what people asked for.

        Args:
            points: The requests for a point that have not become a trial yet.
            num_retries: How many retries were ever asked for.
        """
        self._num_asked_for, self._num_retries = len(list(points)), num_retries
        if self._num_workers > 1:
            self._collect()
            self._order()

    def close(self) -> None:
        """Proposes nothing more."""
        if self._asker is not None:
            self._asker.close()

    @property
    def _num_wanted(self) -> int:
        wanted = self._budget + self._num_retries
        limit = self._writer.proposals.limit
        if self.is_held_back:
            limit = self._num_created
        return wanted if limit is None else min(wanted, limit + self._num_asked_for)

    @property
    def _ready(self) -> list[int]:
        """Numbers of the waiting trials that may be handed out."""
        if not self.is_held_back:
            return self._waiting
        return [number for number in self._waiting if number in self._asked]

    def _new_trial(self) -> Trial:
        """Returns the trial after the last one that was returned; may run in the asker's thread."""
        number = self._num_made
        if self._writer.new_trials.count() > number:  # recorded just before the database went away
            reader = self._writer.reader  # whose memory is the main thread's
            trial = StudyReader(reader.engine, reader.name).trials(number)[0]
        else:
            trial = self._writer.new_trial()
        self._num_made += 1
        return trial

    def _order(self) -> None:
        """Has as many trials made as workers may want soon."""
        if self._asker is None:
            self._asker = Asker(self._new_trial)
        asker = self._asker
        is_beginning = self._num_created < self._num_workers
        depth = self._num_workers if is_beginning or asker.seconds > _SLOW_SECONDS else 1
        depth += self._num_asked_for
        missing = self._num_wanted - self._num_created
        while asker.num_ordered < min(missing, depth - len(self._waiting)):
            asker.order()

    def _collect(self, patience: float = 0.0) -> None:
        while self._asker is not None and (trial := self._asker.take(patience)) is not None:
            self._take_in(trial)
            patience = 0.0

    def _take_in(self, trial: Trial) -> None:
        self._num_created += 1
        if trial.origin is None:
            self._waiting.append(trial.number)
        else:  # someone waits for it
            self._asked.add(trial.number)
            self._num_asked_for = max(0, self._num_asked_for - 1)
            self._waiting.insert(0, trial.number)
