"""Proposals of searches that were begun while Optuna's own tables held them (formats up to 3)."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import optuna
import sqlalchemy as sa
from optuna.trial import TrialState as OptunaState

from search.study.database import engine_arguments
from search.trial import TrialState

_STATES: Final = {
    OptunaState.COMPLETE: TrialState.COMPLETE,
    OptunaState.PRUNED: TrialState.PRUNED,
    OptunaState.FAIL: TrialState.FAILED,
    OptunaState.RUNNING: TrialState.WAITING,
    OptunaState.WAITING: TrialState.WAITING,
}


@final
@dataclasses.dataclass(frozen=True, slots=True)
class OldProposals:
    """What Optuna's tables held of a search.

    Attributes:
        known: Trials of the search it was forked from: flat params, state, values, notes.
        notes: What samplers noted of the search's own trials, by number.
        study_notes: What they noted of the study as a whole.
    """

    known: Sequence[tuple[Mapping[str, Any], TrialState, Sequence[float] | None, Mapping[str, Any]]]
    notes: Mapping[int, Mapping[str, Any]]
    study_notes: Mapping[str, Any]


def old_study_name(search_id: str, generation: int) -> str:
    """Returns the name of the Optuna study of one state of a search's space."""
    return f"vaesearch-{search_id}" + (f"-{generation}" if generation else "")


def has_old_tables(engine: sa.Engine) -> bool:
    """Returns whether Optuna's tables are in a study database."""
    return bool(sa.inspect(engine).has_table("studies"))


def read_old_proposals(
    engine: sa.Engine, search_id: str, generation: int, num_known: int
) -> OldProposals:
    """Returns what Optuna's tables hold of a search; nothing if they are not there.

    Args:
        engine: Of the study database.
        search_id: The search.
        generation: How often its space has grown.
        num_known: How many trials of another search it knew from its beginning.
    """
    if not has_old_tables(engine):
        return OldProposals((), {}, {})
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = engine.url.render_as_string(hide_password=False)
    storage = optuna.storages.RDBStorage(url, engine_kwargs=engine_arguments(url))
    try:
        # A space that has grown since has no study there: what the one before held still counts.
        there = set(optuna.get_all_study_names(storage))
        names = [old_study_name(search_id, number) for number in range(generation, -1, -1)]
        name = next((name for name in names if name in there), None)
        if name is None:
            return OldProposals((), {}, {})
        study = optuna.load_study(study_name=name, storage=storage)
        trials = study.get_trials(deepcopy=False)
        noted = storage.get_study_system_attrs(study._study_id)
    finally:
        storage.engine.dispose()
    # Places in a sequence; lists are of trials, by numbers that mean nothing outside of the tables.
    study_notes = {key: value for key, value in noted.items() if isinstance(value, int)}
    known = [
        (
            trial.params,
            _STATES[trial.state],
            trial.values if trial.state is OptunaState.COMPLETE else None,
            trial.system_attrs,
        )
        for trial in trials[:num_known]
    ]
    own = {trial.number - num_known: trial.system_attrs for trial in trials[num_known:]}
    return OldProposals(known, own, study_notes)
