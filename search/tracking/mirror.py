"""What MLflow does not know yet of a search, brought there. Knows nothing of threads."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, final

from search.errors import TrackerError
from search.study.projections import SEARCH_ITSELF, Projections, Told
from search.study.reader import SearchRecord, StudyReader
from search.tracking.client import PARENT_TAG, FoundRun, MlflowRuns, Point, RefusedError
from search.tracking.entries import flat, metric_name, search_params, search_tags, shown_state
from search.tracking.front_files import SHOWN, FrontFiles, model_place, with_epoch
from search.tracking.parent_files import ParentFiles
from search.tracking.pictures import Pictures
from search.tracking.progress import progress
from search.tracking.standings import EPOCHS, OFF_FRONT, ON_FRONT, standings
from search.trial import Trial

# Every trial that ends may move the whole front: its tags are brought up to date now and then.
_FRONT_SECONDS: Final = 10.0
_STATUS: Final = {
    "running": "RUNNING",
    "waiting": "SCHEDULED",
    "complete": "FINISHED",
    "pruned": "KILLED",
    "failed": "FAILED",
}
# In place of a state: what is known of a run before its trial's state was told.
_CREATED: Final = "created"  # MLflow says RUNNING
_FOUND: Final = "found"  # MLflow may say anything


@final
class Mirror:
    """Keeps MLflow's runs like the search.

    Args:
        reader: The search. Another thread's: only its engine and its name are used.
        runs: MLflow.
        store: Where the search's pictures are.
    """

    def __init__(self, reader: StudyReader, runs: MlflowRuns, store: str):
        record = reader.record()
        self._reader = StudyReader(reader.engine, record.name)
        self._rows = Projections(reader.engine, record.id)
        self._runs = runs
        self._pictures = Pictures(store, record.id)
        self._files = ParentFiles(self._reader, store)
        self._front_files = FrontFiles(store, record.id)
        self._told: dict[int, Told] = {}
        self._known: Mapping[int, list[FoundRun]] = {}
        self._standings: dict[int, Mapping[str, str]] = {}  # as MLflow has them
        self._shown: dict[int, str] = {}  # likewise
        self._is_front_news = False
        self._front_due = 0.0  # by the monotonic clock
        self._sequence = 0  # every measurement up to here is told
        self._is_open = False
        self._is_closed = False

    def close(self) -> None:
        """Makes the flush under way in another thread end before its next request."""
        self._is_closed = True

    def untold(self) -> dict[int, int]:
        """Returns how many measurements MLflow lacks, by trial."""
        return {trial: number for trial, (number, _) in self._rows.untold().items()}

    def flush(
        self, is_last: bool = False, on_trial: Callable[[int, int], None] = lambda *_: None
    ) -> None:
        """Tells MLflow what is new.

        Args:
            is_last: Whether the driver ends: what runs then waits for the next one.
            on_trial: Called after each trial with how many are told, and how many there are.

        Raises:
            TrackerError: If MLflow cannot be reached, or refuses something. The next call goes on.
            LeaseLostError: If another driver took the search over. Nothing is written then.
        """
        try:
            self._flush(is_last, on_trial)
        except TrackerError:
            self._is_open = False  # look again at what MLflow has, it may be another store
            raise

    def _flush(self, is_last: bool, on_trial: Callable[[int, int], None]) -> None:
        self._check()
        if not self._is_open:
            self._open()
        self._runs.check()
        untold = self._rows.untold(self._sequence)  # before the trials: each of these is among them
        record, trials = self._reader.record(), self._reader.trials()
        parent = self._search_run(record)
        refusals: list[RefusedError] = []
        for index, trial in enumerate(trials, start=1):
            state = shown_state(trial.state, is_last)
            told = self._told.get(trial.number)
            is_news = trial.number in untold or told is None or told.state != state
            if is_news and trial.started_at is not None:
                with _collected(refusals):
                    self._tell_trial(record, trial, state, parent.run_id)
            on_trial(index, len(trials))
        self._is_front_news |= bool(untold)
        if is_last or (self._is_front_news and time.monotonic() >= self._front_due):
            self._tell_standings(record, trials, refusals)
        with _collected(refusals):
            self._tell_search(record, trials, is_last)
        if refusals:
            raise refusals[0]
        self._sequence = max([self._sequence, *(last for _, last in untold.values())])

    def show(self, is_last: bool = False) -> None:
        """Brings the files up to date, once `flush` went well: the page of the search, and when the
        driver ends the models of the front. Errors as `flush`."""
        try:
            if files := self._files.due(is_last):
                self._check()
                self._runs.add_files(self._told[SEARCH_ITSELF].run_id, files)
                self._files.told()
            if is_last:
                self._show_models()
        except TrackerError:
            self._is_open = False
            raise

    def _show_models(self) -> None:
        refusals: list[RefusedError] = []
        for number, tags in sorted(self._standings.items()):
            if tags.get(ON_FRONT) == "true" and number in self._told:
                with _collected(refusals):
                    self._show_model(number, self._told[number].run_id, tags[EPOCHS])
        if refusals:
            raise refusals[0]

    def _show_model(self, number: int, run_id: str, epochs: str) -> None:
        shown = self._shown.get(number, "")
        for epoch, files in self._front_files.due(number, epochs, shown).items():
            self._check()
            self._runs.add_files(run_id, files, model_place(epoch))
            shown = self._shown[number] = with_epoch(shown, epoch)
            self._check()
            self._runs.log(run_id, tags={SHOWN: shown})

    def _open(self) -> None:
        """Connects, and forgets what MLflow no longer has."""
        self._known = self._runs.open()
        self._told = self._rows.read()
        known = {number: [run.id for run in runs] for number, runs in self._known.items()}
        gone = [n for n, told in self._told.items() if told.run_id not in known.get(n, [])]
        kept = {number: self._kept(number, ids) for number, ids in known.items()}
        for number, ids in known.items():
            self._remove_doubles(kept[number], ids)
        if gone:
            self._rows.forget(gone)
            self._sequence = 0
        again = set(self._told) if SEARCH_ITSELF in gone else {SEARCH_ITSELF}
        self._told = {
            number: dataclasses.replace(told, state=_FOUND) if number in again else told
            for number, told in self._told.items()
            if number not in gone
        }
        tags = {
            number: run.tags
            for number, runs in self._known.items()
            for run in runs
            if run.id == kept[number]
        }
        self._standings = {n: {k: t[k] for k in OFF_FRONT if k in t} for n, t in tags.items()}
        self._shown = {number: own.get(SHOWN, "") for number, own in tags.items()}
        self._is_open = True

    def _kept(self, number: int, ids: Sequence[str]) -> str:
        """Returns which of a trial's runs is told of it."""
        told = self._told.get(number)
        return told.run_id if told and told.run_id in ids else ids[0]

    def _remove_doubles(self, kept: str, ids: Sequence[str]) -> None:
        """Deletes what a driver that stood still made again before it noticed that it was late."""
        for run_id in [run_id for run_id in ids if run_id != kept]:
            self._check()
            self._runs.delete(run_id)

    def _search_run(self, record: SearchRecord) -> Told:
        return self._told.get(SEARCH_ITSELF) or self._find_or_create(
            SEARCH_ITSELF, record.name, record.created_at, {}
        )

    def _find_or_create(
        self, trial: int, name: str, unix_time: float, tags: Mapping[str, str]
    ) -> Told:
        self._check()
        if known := self._known.get(trial):
            told = Told(self._kept(trial, [run.id for run in known]), 0, _FOUND)
        else:
            told = Told(self._runs.create(trial, name, unix_time, tags), 0, _CREATED)
        self._remember(trial, told)
        return told

    def _tell_search(self, record: SearchRecord, trials: list[Trial], is_last: bool) -> None:
        told = self._told[SEARCH_ITSELF]
        num_finished = sum(trial.state.is_finished for trial in trials)
        is_whole = num_finished == len(trials) and num_finished >= record.num_trials
        is_whole = is_whole or record.is_settled
        state = "running" if not is_last else "complete" if is_whole else "waiting"
        points = progress(record, trials, told.sequence)
        if state == told.state and not points:
            return
        self._check()
        is_new = told.state in (_CREATED, _FOUND)
        tags = {**search_tags(record), "vaesearch.state": state}
        self._runs.log(told.run_id, points, search_params(record) if is_new else {}, tags)
        if is_new and "data" in record.identity:
            self._runs.add_dataset(told.run_id, record.config.dataset.name, record.identity["data"])
        ends = [trial.finished_at for trial in trials if trial.finished_at is not None]
        self._set_status(told, state, max(ends, default=None))
        self._remember(SEARCH_ITSELF, Told(told.run_id, num_finished, state))

    def _tell_trial(self, record: SearchRecord, trial: Trial, state: str, parent: str) -> None:
        number, started_at = trial.number, trial.started_at or 0.0
        told = self._told.get(number) or self._find_or_create(
            number, f"trial-{number:05d}", started_at, {PARENT_TAG: parent}
        )
        rows = self._reader.measurements_since(told.sequence, number)
        points = [
            Point(metric_name(name), value, item.unix_time, item.epoch)
            for _, item in rows
            for name, value in item.metrics.items()
        ]
        is_new = told.state in (_CREATED, _FOUND)
        params = flat({**record.config.fixed, **trial.params}) if is_new else {}
        tags = {PARENT_TAG: parent} if is_new else {}
        if state != told.state:
            tags |= {"vaesearch.state": state, "vaesearch.reason": trial.reason or ""}
        self._check()
        self._runs.log(told.run_id, points, params, tags)
        if state != told.state and trial.state.is_finished:
            self._add_pictures(number, told.run_id)
        self._set_status(told, state, trial.finished_at)
        self._remember(number, Told(told.run_id, rows[-1][0] if rows else told.sequence, state))

    def _set_status(self, told: Told, state: str, finished_at: float | None) -> None:
        if state == told.state or (state == "running" and told.state == _CREATED):
            return
        is_ended = state not in ("running", "waiting")
        self._check()
        self._runs.set_status(told.run_id, _STATUS[state], finished_at if is_ended else None)

    def _tell_standings(
        self, record: SearchRecord, trials: Sequence[Trial], refusals: list[RefusedError]
    ) -> None:
        """Tells who is on the front and, of those that were, who no longer is."""
        now = standings(record, trials)
        for number in self._told.keys() - {SEARCH_ITSELF}:
            known = self._standings.get(number, {})
            was_on_front = known.get(ON_FRONT) == "true"
            tags = now.get(number) or (OFF_FRONT if was_on_front else known)
            if tags == known:
                continue
            self._check()
            with _collected(refusals):
                self._runs.log(self._told[number].run_id, tags=tags)
                self._standings[number] = tags
        self._is_front_news, self._front_due = False, time.monotonic() + _FRONT_SECONDS

    def _add_pictures(self, number: int, run_id: str) -> None:
        if pictures := self._pictures.of(number):
            self._check()
            self._runs.add_files(run_id, pictures)

    def _remember(self, trial: int, told: Told) -> None:
        self._rows.remember(trial, told)
        self._told[trial] = told

    def _check(self) -> None:
        """Checks that this driver may still write."""
        if self._is_closed:
            raise TrackerError("The driver has ended.")
        self._rows.check_fence()


@contextlib.contextmanager
def _collected(refusals: list[RefusedError]) -> Iterator[None]:
    """Keeps what MLflow refuses of one run from holding up the others."""
    try:
        yield
    except RefusedError as error:
        refusals.append(error)
