"""MLflow's record of a search written anew from the study, without a driver."""

import dataclasses
from collections.abc import Callable
from typing import Any, final

from search.errors import SearchError, TrackerError
from search.study.lease import Lease
from search.study.projections import SEARCH_ITSELF, Projections
from search.study.reader import StudyReader
from search.tracking.client import MlflowRuns
from search.tracking.failures import without_password
from search.tracking.mirror import Mirror
from search.workspace import Workspace


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Synced:
    """What MLflow holds now.

    Attributes:
        uri: Of MLflow, without a password.
        run_id: Of the search's own run.
        num_trials: Trials with a run.
        num_measurements: Of all of them.
    """

    uri: str
    run_id: str
    num_trials: int
    num_measurements: int

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return dataclasses.asdict(self)


def sync(reader: StudyReader, workspace: Workspace, on_trial: Callable[[int, int], None]) -> Synced:
    """Tells MLflow everything, whatever it was told before; what it has already stays as it is.

    Args:
        reader: The search. Its engine is fenced from then on.
        workspace: Holds MLflow's store, if the study names no other.
        on_trial: Called after each trial with how many are done, and how many there are.

    Raises:
        LeaseHeldError: If a driver runs the search: it keeps MLflow like the study itself.
        SearchError: If the study wants no MLflow.
        TrackerError: If MLflow cannot be reached or refuses something. Say it again then.
    """
    config = reader.record().config
    if not config.tracking.mlflow:
        raise SearchError(
            f"`{reader.name}` was started without MLflow: its study says `tracking: "
            "{mlflow: false}`. `vaesearch report` shows it without a server."
        )
    uri = workspace.tracking_uri(config)
    lease = Lease.take(reader.engine, reader.id)
    try:
        rows = Projections(reader.engine, reader.id)
        rows.forget(rows.read())
        runs = MlflowRuns(uri, workspace.artifacts, reader.id)
        mirror = Mirror(reader, runs, workspace.store(config))
        mirror.flush(is_last=True, on_trial=on_trial)
        mirror.show(is_last=True)
        told = rows.read()
    except TrackerError as error:
        raise TrackerError(
            f"{error} The study holds everything: say it again once MLflow "
            f"({without_password(uri)}) answers."
        ) from error
    finally:
        lease.release()
    measured = [len(trial.measurements) for trial in reader.trials() if trial.number in told]
    own = told[SEARCH_ITSELF].run_id
    return Synced(without_password(uri), own, len(measured), sum(measured))
