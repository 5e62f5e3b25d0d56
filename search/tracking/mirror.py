"""What MLflow does not know yet of a search, brought there. Knows nothing of threads."""

import contextlib
import dataclasses
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final, final

from search.config import StudyConfig
from search.errors import TrackerError
from search.store import TrialStore
from search.study.projections import SEARCH_ITSELF, Projections, Told
from search.study.reader import SearchRecord, StudyReader
from search.tracking.client import PARENT_TAG, MlflowRuns, Point, RefusedError
from search.tracking.progress import progress
from search.trial import Trial, TrialState

_log = logging.getLogger(__name__)

_PICTURES: Final = ("samples.png", "reconstructions.png")
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
        self._store_root = store
        self._store: TrialStore | None = None
        self._told: dict[int, Told] = {}
        self._known: Mapping[int, list[str]] = {}
        self._sequence = 0  # every measurement up to here is told
        self._is_open = False
        self._is_closed = False

    def close(self) -> None:
        """Makes the flush under way in another thread end before its next request."""
        self._is_closed = True

    def untold(self) -> dict[int, int]:
        """Returns how many measurements MLflow lacks, by trial."""
        return {trial: number for trial, (number, _) in self._rows.untold().items()}

    def flush(self, is_last: bool = False) -> None:
        """Tells MLflow what is new.

        Args:
            is_last: Whether the driver ends: what runs then waits for the next one.

        Raises:
            TrackerError: If MLflow cannot be reached, or refuses something. The next call goes on.
            LeaseLostError: If another driver took the search over. Nothing is written then.
        """
        try:
            self._flush(is_last)
        except TrackerError:
            self._is_open = False  # look again at what MLflow has, it may be another store
            raise

    def _flush(self, is_last: bool) -> None:
        self._check()
        if not self._is_open:
            self._open()
        self._runs.check()
        untold = self._rows.untold(self._sequence)  # before the trials: each of these is among them
        record, trials = self._reader.record(), self._reader.trials()
        parent = self._search_run(record)
        refusals: list[RefusedError] = []
        for trial in trials:
            state = _shown(trial.state, is_last)
            told = self._told.get(trial.number)
            is_news = trial.number in untold or told is None or told.state != state
            if is_news and trial.started_at is not None:
                with _collected(refusals):
                    self._tell_trial(record, trial, state, parent.run_id)
        with _collected(refusals):
            self._tell_search(record, trials, is_last)
        if refusals:
            raise refusals[0]
        self._sequence = max([self._sequence, *(last for _, last in untold.values())])

    def _open(self) -> None:
        """Connects, and forgets what MLflow no longer has."""
        self._known = self._runs.open()
        self._told = self._rows.read()
        gone = [n for n, told in self._told.items() if told.run_id not in self._known.get(n, [])]
        if gone:
            self._rows.forget(gone)
            self._sequence = 0
        again = set(self._told) if SEARCH_ITSELF in gone else {SEARCH_ITSELF}
        self._told = {
            number: dataclasses.replace(told, state=_FOUND) if number in again else told
            for number, told in self._told.items()
            if number not in gone
        }
        self._is_open = True

    def _search_run(self, record: SearchRecord) -> Told:
        return self._told.get(SEARCH_ITSELF) or self._find_or_create(
            SEARCH_ITSELF, record.name, record.created_at, {}
        )

    def _find_or_create(
        self, trial: int, name: str, unix_time: float, tags: Mapping[str, str]
    ) -> Told:
        self._check()
        if known := self._known.get(trial):
            told = Told(known[0], 0, _FOUND)
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
        tags = {**_search_tags(record.config), "vaesearch.state": state}
        self._runs.log(told.run_id, points, _search_params(record) if is_new else {}, tags)
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
            Point(_metric_name(name), value, item.unix_time, item.epoch)
            for _, item in rows
            for name, value in item.metrics.items()
        ]
        is_new = told.state in (_CREATED, _FOUND)
        params = _flat({**record.config.fixed, **trial.params}) if is_new else {}
        tags = {PARENT_TAG: parent} if is_new else {}
        if state != told.state:
            tags |= {"vaesearch.state": state, "vaesearch.reason": trial.reason or ""}
        self._check()
        self._runs.log(told.run_id, points, params, tags)
        if state != told.state and trial.state.is_finished:
            self._add_pictures(record, number, told.run_id)
        self._set_status(told, state, trial.finished_at)
        self._remember(number, Told(told.run_id, rows[-1][0] if rows else told.sequence, state))

    def _set_status(self, told: Told, state: str, finished_at: float | None) -> None:
        if state == told.state or (state == "running" and told.state == _CREATED):
            return
        is_ended = state not in ("running", "waiting")
        self._check()
        self._runs.set_status(told.run_id, _STATUS[state], finished_at if is_ended else None)

    def _add_pictures(self, record: SearchRecord, number: int, run_id: str) -> None:
        for name, content in self._pictures(record, number).items():
            self._check()
            self._runs.add_file(run_id, name, content)

    def _pictures(self, record: SearchRecord, number: int) -> dict[str, bytes]:
        try:
            self._store = self._store or TrialStore(self._store_root, record.id)
            checkpoint = self._store.newest(number)
            if checkpoint is None:
                return {}
            names = [name for name in _PICTURES if name in checkpoint.objects]
            return {name: self._store.read(checkpoint, name) for name in names}
        except OSError as error:
            _log.info("Trial %d is shown without its pictures: %s", number, error)
            return {}

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


def _shown(state: TrialState, is_last: bool) -> str:
    if is_last and state is TrialState.RUNNING:
        return TrialState.WAITING.value
    return state.value


def _search_params(record: SearchRecord) -> dict[str, str]:
    """Returns what never changes of a search; MLflow lets no param change."""
    config = record.config
    return _flat(
        {
            "dataset": config.dataset.name,
            "epochs": config.budget.epochs,
            "seed": config.seed,
            "num_images": config.measure.num_images,
            **{f"objective.{name}": direction for name, direction in config.objectives.items()},
            **{f"fixed.{name}": value for name, value in config.fixed.items()},
        }
    )


def _search_tags(config: StudyConfig) -> dict[str, str]:
    """Returns what a resume may change."""
    return {
        "vaesearch.budget_trials": str(config.budget.trials),
        "vaesearch.budget_hours": str(config.budget.hours or ""),
        "vaesearch.sampler": config.sampler,
    }


def _metric_name(name: str) -> str:
    """Returns a name that MLflow takes: `fid@prior*100` becomes `fid/prior x100`."""
    return name.replace("@", "/").replace("*", " x").replace("+", " plus ")


def _flat(values: Mapping[str, Any]) -> dict[str, str]:
    """Returns values as text, lists and the like as JSON."""
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
