"""Everything that a report tells of one search, gathered once: page, tables and JSON agree."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, final

from search.candidates import Candidate, candidates
from search.errors import SearchError, StoreError
from search.importance import Importance, importance_remarks, importances
from search.report.confirmed import ConfirmedFront, confirmed_front
from search.report.costs import Costs, costs
from search.report.importance import sentence
from search.report.progress import Progress, progress
from search.report.summary import Summary, summarize
from search.report.timeline import Moment, moments
from search.store import TrialStore
from search.study.attempts import read_attempts
from search.study.confirmations import read_confirmations
from search.study.lease import active_seconds, current_holder
from search.study.reader import SearchRecord, StudyReader
from search.trade_off import trade_offs
from search.trial import Trial

MOST_PICTURES: Final = 12  # trials of the front whose images are shown
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PICTURE: Final = "samples.png"

Result = TypeVar("Result")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """The images that a trial of the front drew.

    Attributes:
        trial: Its number.
        members: Its candidates on the front.
        epoch: After which epoch they were drawn, None if there is no picture.
        content: A PNG, None if there is none.
        missing: Why there is none.
    """

    trial: int
    members: Sequence[str]
    epoch: int | None = None
    content: bytes | None = None
    missing: str = ""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Material:
    """What is told of a search.

    Attributes:
        record: The search.
        trials: All of its trials.
        found: All candidates.
        summary: What it found.
        state: How far it is, and who runs it.
        confirmed: Its front as it was trained again, None if nothing was.
        not_confirmed: Why not.
        course: A moment for each finished trial.
        importance: One per objective; empty where too little was measured.
        importance_remarks: Sentences to add; what is missing, too.
        costs: What it has cost.
        pictures: Of the front's trials.
        written_at: In seconds since 1970 (UTC).
    """

    record: SearchRecord
    trials: Sequence[Trial]
    found: Sequence[Candidate]
    summary: Summary
    state: Progress
    confirmed: ConfirmedFront | None
    not_confirmed: str
    course: Sequence[Moment]
    importance: Sequence[Importance]
    importance_remarks: Sequence[str]
    costs: Costs
    pictures: Sequence[Picture]
    written_at: float


def gather(reader: StudyReader, store: str, is_ending: bool = False) -> Material:
    """Reads a search; nothing is changed, and it may run meanwhile.

    Args:
        reader: The search.
        store: Where its trials' pictures are.
        is_ending: Whether the driver that is there asks itself, at its end.
    """
    record, trials, remeasured = reader.record(), reader.trials(), reader.remeasured()
    config = record.config
    summary = summarize(record, trials, remeasured)
    rows = read_confirmations(reader)
    confirmed, not_confirmed = _unless_refused(
        lambda: confirmed_front(record, trials, rows, remeasured)
    )
    importance, too_few = _unless_refused(lambda: importances(config, trials))
    holder = None if is_ending else current_holder(reader.engine, reader.id)
    driven_seconds = active_seconds(reader.engine, reader.id)
    reference = list(summary.reference.values()) if summary.reference else None
    return Material(
        record=record,
        trials=trials,
        found=candidates(config, trials),
        summary=summary,
        state=progress(record, trials, str(holder) if holder else None),
        confirmed=confirmed,
        not_confirmed=not_confirmed,
        course=moments(config, trials, reference),
        importance=importance or [],
        importance_remarks=[too_few] if too_few else _remarks(record, trials),
        costs=costs(record, trials, read_attempts(reader), driven_seconds),
        pictures=_pictures(summary, store, reader.id),
        written_at=time.time(),
    )


def _unless_refused(action: Callable[[], Result]) -> tuple[Result | None, str]:
    """Returns a result, or why there is none."""
    try:
        return action(), ""
    except SearchError as error:
        return None, str(error)


def _remarks(record: SearchRecord, trials: Sequence[Trial]) -> list[str]:
    trades = [sentence(trade) for trade in trade_offs(record.config, trials)]
    return [*importance_remarks(record.config, trials), *trades]


def _pictures(summary: Summary, store: str, search_id: str) -> list[Picture]:
    members: dict[int, list[str]] = {}
    for member in summary.front:
        members.setdefault(member.trial, []).append(member.label)
    found: list[Picture] = []
    refusal = ""
    for trial in list(members)[:MOST_PICTURES]:
        if refusal:  # a store that is out of reach would be waited for again and again
            found.append(Picture(trial, members[trial], missing=refusal))
            continue
        try:
            found.append(_picture(TrialStore(store, search_id), trial, members))
        except StoreError as error:
            refusal = str(error)
            found.append(Picture(trial, members[trial], missing=refusal))
    return found


def _picture(store: TrialStore, trial: int, members: Mapping[int, Sequence[str]]) -> Picture:
    checkpoint = store.newest(trial)
    if checkpoint is None:
        return Picture(trial, members[trial], missing="the store keeps nothing of this trial")
    if _PICTURE not in checkpoint.objects:
        return Picture(trial, members[trial], missing="no picture was saved")
    try:
        content = store.read(checkpoint, _PICTURE)
    except StoreError as error:
        return Picture(trial, members[trial], missing=str(error))
    if not content.startswith(_PNG):
        return Picture(trial, members[trial], missing="what was saved is no PNG")
    return Picture(trial, members[trial], checkpoint.epoch, content)


def plain(material: Material) -> dict[str, Any]:
    """Returns a report as plain values: what `report.json` holds beside its marker."""
    state, summary = material.state, material.summary
    confirmed = material.confirmed
    return {
        "name": material.record.name,
        "id": material.record.id,
        "written_at": material.written_at,
        "status": material.state.word,
        "driver": state.driver,
        "num_finished": state.num_finished,
        "summary": summary.to_json(),
        "confirmed": confirmed.to_json() if confirmed else None,
        "hypervolume": [dataclasses.asdict(moment) for moment in material.course],
        "importance": [
            {**dataclasses.asdict(item), "clear": item.clear} for item in material.importance
        ],
        "importance_remarks": list(material.importance_remarks),
        "costs": material.costs.to_json(),
        "identity": dict(material.record.identity),
        "prepared": dict(material.record.prepared or {}),
    }
