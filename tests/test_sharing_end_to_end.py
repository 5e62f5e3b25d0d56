"""A cluster that is shared or grows: each search takes its share, and trials go on elsewhere."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

from search.driver import create
from search.study.attempts import read_attempts
from search.study.database import open_database
from search.study.reader import StudyReader
from search.trial import TrialState
from search.workspace import Workspace
from tests.chaos.work import expected, fails
from tests.growing_cluster import growing_cluster
from tests.ray_nodes import ROOT, open_cluster
from tests.search.examples import make_study

pytestmark = pytest.mark.slow(minutes=5)
EPOCHS = 40


def check_whole(reader: StudyReader) -> None:
    """Checks that every trial has ended, with the figures of one that nothing disturbed."""
    assert len(reader.trials()) == reader.record().config.budget.trials
    for trial in reader.trials():
        figures = [{k: m.metrics[k] for k in ("fid", "tvd")} for m in trial.measurements]
        is_lost = fails(trial.seed)
        assert trial.state is (TrialState.FAILED if is_lost else TrialState.COMPLETE)
        wanted = expected(trial.params, trial.seed, EPOCHS)
        assert figures == (wanted[: len(figures)] if is_lost else wanted)


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a cluster with room for four trials at once."""
    with open_cluster(num_cpus=4) as node:
        yield node.address


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    place = Workspace.at(tmp_path / "vaesearch-workspace")
    place.make()
    return place


def created(place: Workspace, name: str, trials: int, **others: Any) -> StudyReader:
    """Returns a new search, which nobody drives yet."""
    budget = {"trials": trials, "epochs": EPOCHS}
    create(make_study(name=name, budget=budget, tracking={"mlflow": False}, **others), place)
    return StudyReader(open_database(place.study_url), name)


class Drivers(list[subprocess.Popen[bytes]]):
    """The drivers of a test, which end with it."""

    def __init__(self, place: Workspace, address: str):
        super().__init__()
        self._place = place
        self._address = address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self:
            process.kill()
            process.wait()

    def start(self, name: str, **environment: str) -> subprocess.Popen[bytes]:
        """Starts one and returns its process."""
        self.append(_driver(name, self._place, self._address, **environment))
        return self[-1]


def _driver(
    name: str, place: Workspace, address: str, **environment: str
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.chaos.driver", name, address]
    log = (place.folder / f"{name}.log").open("ab")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    folder = place.folder.parent
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)


def wait_until(condition: Callable[[], bool], drivers: Sequence[Any], place: Workspace) -> None:
    """Waits for what drivers bring about; fails, with what they said, if one ends before."""
    deadline = time.monotonic() + 180
    while not condition():
        said = [path.read_text() for path in place.folder.glob("*.log")]
        assert all(process.poll() is None for process in drivers), said
        assert time.monotonic() < deadline, said
        time.sleep(0.2)


def num_running(reader: StudyReader) -> int:
    return sum(trial.state is TrialState.RUNNING for trial in reader.trials())


def num_under_way(reader: StudyReader) -> int:
    """Returns how many trials run and have done some, but not nearly all of their epochs."""
    running = [trial for trial in reader.trials() if trial.state is TrialState.RUNNING]
    return sum(0 < trial.last_epoch < EPOCHS - 10 for trial in running)


def test_a_search_that_comes_later_gets_its_half(cluster: str, place: Workspace) -> None:
    readers = [created(place, "early", trials=8), created(place, "late", trials=4)]
    with Drivers(place, cluster) as drivers:
        drivers.start("early")
        wait_until(lambda: num_running(readers[0]) == 4, drivers, place)
        drivers.start("late")
        shares = []

        def is_shared() -> bool:
            shares.append([num_running(reader) for reader in readers])
            return shares[-1] == [2, 2]

        wait_until(is_shared, drivers, place)
        assert [process.wait(300) for process in drivers] == [0, 0]
    assert max(sum(pair) for pair in shares) <= 4 + 2  # what is asked for waits for what saves
    given_back = [a for a in read_attempts(readers[0]) if a.outcome == "interrupted"]
    assert given_back
    for reader in readers:
        check_whole(reader)


def test_a_node_that_joins_takes_trials_and_one_that_goes_loses_none(place: Workspace) -> None:
    reader = created(place, "growing", trials=15)
    with open_cluster() as nodes, Drivers(place, nodes.address) as drivers:
        first = nodes.add_node(num_cpus=1)
        process = drivers.start("growing")
        wait_until(lambda: num_running(reader) == 1, drivers, place)
        nodes.add_node(num_cpus=2)
        wait_until(lambda: num_under_way(reader) == 3, drivers, place)
        nodes.remove_node(first, allow_graceful=False)
        assert process.wait(300) == 0
    assert "lost" in [attempt.outcome for attempt in read_attempts(reader)]
    check_whole(reader)


def test_a_cluster_that_grows_is_used_and_shrinks_again(place: Workspace) -> None:
    reader = created(place, "elastic", trials=16)
    created(place, "large", trials=1, resources={"cpus": 64})
    with (
        growing_cluster(most_nodes=2, idle_seconds=20) as cluster,
        Drivers(place, cluster.address) as drivers,
    ):
        process = drivers.start("elastic", **cluster.token)
        refused = drivers.start("large", **cluster.token)
        wait_until(lambda: num_under_way(reader) == 2, [process], place)
        cluster.kill_a_node()
        wait_until(lambda: 3 in cluster.nodes(), [process], place)  # in its place
        assert process.wait(300) == 0
        assert refused.wait(300) == 1
        wait_until(lambda: not cluster.nodes(), [], place)
    said = (place.folder / "large.log").read_text()
    assert "No trial fits on any node: it takes 64 CPUs" in said
    assert "lost" in [attempt.outcome for attempt in read_attempts(reader)]
    check_whole(reader)
