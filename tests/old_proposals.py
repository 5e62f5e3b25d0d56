"""Optuna's tables as they were in studies of the formats up to 3, which kept proposals there."""

from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial

from search.study.old_proposals import old_study_name


def storage_of(url: str) -> optuna.storages.RDBStorage:
    """Returns Optuna's storage in a study database; its tables are made if need be."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.storages.RDBStorage(url)


def write_old_study(
    url: str, search_id: str, trials: Sequence[FrozenTrial] = (), generation: int = 0
) -> optuna.Study:
    """Makes the Optuna study of a search as older versions did."""
    study = optuna.create_study(
        storage=storage_of(url),
        study_name=old_study_name(search_id, generation),
        directions=["minimize", "minimize"],
    )
    study.add_trials(list(trials))
    return study


def old_study_names(url: str) -> set[str]:
    """Returns the names of all Optuna studies of a database."""
    return set(optuna.get_all_study_names(storage_of(url)))
