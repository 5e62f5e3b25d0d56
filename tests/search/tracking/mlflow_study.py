"""A study without Ray whose MLflow record is looked at."""

import contextlib
import dataclasses
import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from search.config import StudyConfig
from search.errors import SearchError
from search.store import TrialStore
from search.study.database import open_database
from search.study.knowledge import read_knowledge
from search.study.lease import Lease
from search.study.projections import SEARCH_ITSELF
from search.study.proposals import Proposals
from search.study.reader import StudyReader
from search.study.searches import create_search
from search.study.writer import StudyWriter
from search.tracking.client import EXPERIMENT, MlflowRuns
from search.tracking.mirror import Mirror
from search.trial import Measurement, TrialState
from search.workspace import Workspace

PNG = b"\x89PNG\r\n\x1a\nnot really"
START = 1_700_000_000.0
IDENTITY = {"data": "0123456789abcdef" * 4, "code": "c0de"}
DEADLINE_SECONDS = 60.0
_spellings = itertools.count(20)


@dataclasses.dataclass
class Driver:
    """A driver of a study, without its workers."""

    workspace: Workspace
    uri: str
    reader: StudyReader
    writer: StudyWriter
    lease: Lease

    @property
    def store(self) -> TrialStore:
        return TrialStore(self.workspace.store(self.reader.record().config), self.reader.id)

    def mirror(self) -> Mirror:
        runs = MlflowRuns(self.uri, self.workspace.artifacts, self.reader.id)
        store = self.workspace.store(self.reader.record().config)
        return Mirror(self.reader, runs, store)

    def begin(self) -> tuple[int, int]:
        trial = self.writer.new_trial()
        return trial.number, self.writer.start_attempt(trial)

    def train(self, trial: int, attempt: int, epochs: range, fid: float = 50.0) -> None:
        self.writer.record(trial, attempt, [measured(trial, epoch, fid) for epoch in epochs])

    def whole_trial(self, state: TrialState = TrialState.COMPLETE, fid: float = 50.0) -> int:
        trial, attempt = self.begin()
        self.train(trial, attempt, range(1, 4), fid)
        self.writer.finish(trial, attempt, state, f"why {trial}")
        return trial


def measured(trial: int, epoch: int, fid: float) -> Measurement:
    metrics = {"fid": fid - epoch, "tvd": 0.5 + trial / 100, "beta": 1.0}
    return Measurement(epoch, metrics, START + 100 * trial + epoch + 0.25)


def make_config(uri: str | None, **changes: Any) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "name": "demo",
            "dataset": "digits",
            "space": {"beta": {"type": "float", "low": 0.1, "high": 4.0}},
            "fixed": {"widths": [32, 16], "learning_rate": 0.001},
            "budget": {"trials": 3, "epochs": 3},
            "sampler": "random",
            "tracking": {"uri": uri},
            **changes,
        }
    )


@contextlib.contextmanager
def driving(workspace: Workspace, config: StudyConfig) -> Iterator[Driver]:
    """Drives a search, which is made first if need be."""
    engine = open_database(workspace.study_url)
    with contextlib.suppress(SearchError):  # it is there already
        create_search(engine, config, IDENTITY)
    reader = StudyReader(engine, config.name)
    lease = Lease.take(engine, reader.id)
    try:
        proposals = Proposals(reader.record(), read_knowledge(reader))
        writer = StudyWriter(engine, reader, lease, proposals)
        writer.mend()
        yield Driver(workspace, workspace.tracking_uri(config), reader, writer, lease)
    finally:
        lease.release()


def make_client(driver: Driver) -> Any:
    from mlflow import MlflowClient

    # Another spelling than the projector's, whose connection may be to a file deleted meanwhile.
    return MlflowClient(driver.uri.replace("/mlflow.db", f"/{'./' * next(_spellings)}mlflow.db"))


def runs_of(driver: Driver, client: Any = None) -> dict[int, Any]:
    """Returns MLflow's runs by trial; fails if a trial has two."""
    client = client or make_client(driver)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    found = client.search_runs([experiment.experiment_id]) if experiment else []
    runs = {int(run.data.tags["vaesearch.trial"]): run for run in found}
    assert len(runs) == len(found)
    return runs


def history(client: Any, run: Any, name: str) -> list[tuple[int, float, int]]:
    points = client.get_metric_history(run.info.run_id, name)
    return [(point.step, point.value, point.timestamp) for point in points]


def wait_until(condition: Callable[[], Any], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


def assert_like_the_study(driver: Driver) -> None:
    client = make_client(driver)
    runs = runs_of(driver, client)
    trials = driver.reader.trials()
    assert set(runs) == {SEARCH_ITSELF, *(trial.number for trial in trials)}
    for trial in trials:
        for name in ("fid", "tvd", "beta"):
            found = sorted((s, str(v), t) for s, v, t in history(client, runs[trial.number], name))
            assert found == [
                (item.epoch, str(as_kept(item.metrics[name])), int(item.unix_time * 1000))
                for item in trial.measurements
            ]


def as_kept(value: float) -> float:
    """Returns a value as MLflow keeps it: NaN as such, infinities as the largest finite numbers."""
    largest = sys.float_info.max
    return value if math.isnan(value) else min(max(value, -largest), largest)
