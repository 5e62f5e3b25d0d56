"""Removing a search's runs from MLflow."""

from pathlib import Path

import sqlalchemy as sa

from search.study.projections import SEARCH_ITSELF
from search.tracking.client import MlflowRuns


def remove_runs(uri: str, artifacts: str, search_id: str) -> int:
    """Marks the runs of a search as deleted, which is all that MLflow lets a client do.

    `mlflow gc` removes what is marked. The search's own run comes last: while it is there, what is
    left of its trials can be found.

    Args:
        uri: An MLflow server, or a database.
        artifacts: Where pictures go if no server decides that.
        search_id: The search.

    Returns:
        How many runs there were.

    Raises:
        TrackerError: If MLflow cannot be reached or refuses. Some runs may be deleted by then.
    """
    if uri.startswith("sqlite:") and not Path(str(sa.engine.make_url(uri).database)).exists():
        return 0  # deleted by hand; MLflow would make a new one
    runs = MlflowRuns(uri, artifacts, search_id)
    found = runs.open()
    own = found.pop(SEARCH_ITSELF, [])
    ordered = [*(run for each in found.values() for run in each), *own]
    for run in ordered:
        runs.delete(run.id)
    return len(ordered)
