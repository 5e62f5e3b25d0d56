"""What a search's sampler has to know: its trials so far, and those of the search it came from."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, final

import sqlalchemy as sa

from search.config import StudyConfig
from search.study import tables
from search.study.old_proposals import read_old_proposals
from search.study.reader import StudyReader
from search.trial import ParamValue, Trial, TrialState


@final
@dataclasses.dataclass(frozen=True, slots=True)
class KnownTrial:
    """A trial as a sampler sees it.

    Attributes:
        params: Under a sampler's names, `widths[0]` for the first of a list.
        state: As with us.
        values: The objectives, of a complete trial.
        notes: What Optuna's samplers noted of it.
    """

    params: Mapping[str, Any]
    state: TrialState
    values: Sequence[float] | None = None
    notes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Knowledge:
    """All that proposals depend on.

    Attributes:
        known: Trials of the search that this one was forked from.
        own: The search's own, by their numbers.
        notes: What Optuna's samplers noted of the study as a whole.
    """

    known: Sequence[KnownTrial] = ()
    own: Sequence[KnownTrial] = ()
    notes: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def ended(self) -> list[KnownTrial]:
        """The trials that have ended, those that were known from the beginning first."""
        return [trial for trial in (*self.known, *self.own) if trial.state.is_finished]


def read_knowledge(reader: StudyReader) -> Knowledge:
    """Returns what the sampler of a search has to know, also where Optuna's own tables hold it."""
    record = reader.record()
    trials = reader.trials()  # first: a driver may add some meanwhile
    proposals = _read_proposals(reader)
    known, notes = _read_known(reader), dict[str, Any]()
    if None in proposals.values() or len(known) < record.num_known:
        old = read_old_proposals(reader.engine, record.id, record.generation, record.num_known)
        known = known or [KnownTrial(*trial) for trial in old.known]
        notes |= old.study_notes
        proposals |= {n: {"notes": old.notes.get(n, {})} for n, p in proposals.items() if p is None}
    own = []
    for trial in trials:
        proposal = proposals[trial.number] or {}
        notes |= proposal.get("study", {})
        values = final_values(record.config, trial)
        own.append(KnownTrial(flat_params(trial.params), trial.state, values, proposal["notes"]))
    return Knowledge(known, own, notes)


def final_values(config: StudyConfig, trial: Trial) -> list[float] | None:
    """Returns the objectives after a trial's last measurement, None if one is missing or not
    finite."""
    if not trial.measurements or not trial.measurements[-1].has(list(config.objectives)):
        return None
    return [trial.measurements[-1].metrics[name] for name in config.objectives]


def flat_params(params: Mapping[str, ParamValue]) -> dict[str, Any]:
    """Returns params under a sampler's names, whatever space they come from."""
    flat: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, list):
            flat |= {f"{name}[{index}]": item for index, item in enumerate(value)}
        else:
            flat[name] = value
    return flat


def known_rows(search_id: str, known: Sequence[KnownTrial]) -> list[dict[str, Any]]:
    """Returns the rows of the trials that a search knows from its beginning."""
    return [
        {
            "search_id": search_id,
            "number": number,
            "params": dict(trial.params),
            "state": trial.state.value,
            "objectives": None if trial.values is None else list(trial.values),
            "notes": dict(trial.notes),
        }
        for number, trial in enumerate(known)
    ]


def _read_known(reader: StudyReader) -> list[KnownTrial]:
    table = tables.known_trial
    query = sa.select(table).where(table.c.search_id == reader.id).order_by(table.c.number)
    with reader.engine.connect() as connection:
        rows = connection.execute(query).all()
    return [KnownTrial(r.params, TrialState(r.state), r.objectives, r.notes) for r in rows]


def _read_proposals(reader: StudyReader) -> dict[int, Mapping[str, Any] | None]:
    table = tables.trial
    query = sa.select(table.c.number, table.c.proposal).where(table.c.search_id == reader.id)
    with reader.engine.connect() as connection:
        return {row.number: row.proposal for row in connection.execute(query)}
