"""The load of the machines on its way to MLflow: shown on the search's own run."""

import logging
from collections import deque
from typing import Final, final

from search.node_sample import NodeSample
from search.study.projections import SEARCH_ITSELF, Projections
from search.tracking.client import MlflowRuns, Point, RefusedError

_log = logging.getLogger(__name__)

PREFIX: Final = "system/"  # of what MLflow's pages show as system metrics
_MOST_POINTS: Final = 10_000  # that wait: seven hours of one machine without a GPU
_POINTS_PER_REQUEST: Final = 1000  # what MLflow takes in one


@final
class NodeLoad:
    """What was sampled and MLflow does not have yet.

    It is no part of the study: what is dropped is lost, and `vaesearch sync` cannot write it again.

    Args:
        runs: MLflow; used by the thread that sends.
        rows: The search's, fenced by its driver's lease.
        began_at: Unix time from which steps are counted, in seconds.
    """

    def __init__(self, runs: MlflowRuns, rows: Projections, began_at: float):
        self._runs = runs
        self._rows = rows
        self._began_at = began_at
        self._waiting: deque[Point] = deque(maxlen=_MOST_POINTS)
        self._request: list[Point] = []  # under way, or to be tried again

    def add(self, sample: NodeSample) -> None:
        """Takes a sample, from any thread; of too many the oldest are dropped."""
        step = max(0, round(sample.unix_time - self._began_at))  # a node's clock may be slow
        self._waiting.extend(
            Point(f"{PREFIX}{sample.node}/{name}", value, sample.unix_time, step)
            for name, value in sample.values.items()
        )

    def send(self, is_last: bool = False) -> None:
        """Sends what waits to the search's run, which MLflow must have: in one request at most.

        Args:
            is_last: Whether nobody will call again: then in as many requests as it takes.

        Raises:
            TrackerError: If MLflow cannot be reached. The next call tries again.
            LeaseLostError: If another driver took the search over. Nothing is written then.
        """
        while self._fill_request():
            run_id = self._rows.read()[SEARCH_ITSELF].run_id
            self._rows.check_fence()
            try:
                self._runs.log(run_id, self._request)
            except RefusedError as error:
                # Someone deleted the run. It is made again as soon as the search has news for it.
                _log.info("MLflow refuses the load of the nodes", exc_info=error)
            self._request = []
            if not is_last:
                return

    def _fill_request(self) -> bool:
        """Returns whether there is anything to send."""
        while self._waiting and len(self._request) < _POINTS_PER_REQUEST:
            self._request.append(self._waiting.popleft())
        return bool(self._request)
