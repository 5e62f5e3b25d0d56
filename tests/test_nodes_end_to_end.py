"""On which of a real cluster's nodes trials run: those with the labels that a study names, and none
on which they fail."""

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
import ray

from search.assignment import Assignment
from search.driver import create, drive
from search.errors import WorkersError
from search.executor import room
from search.executor.node_stats import node_names
from search.report.history import history_lines
from search.stopper import Ending
from search.study.database import open_database
from search.study.reader import StudyReader
from search.trial import TrialState
from search.trial_run import TrialRun
from search.work import Work
from search.workspace import Workspace
from tests.chaos.work import CHAINS, ChainBench
from tests.ray_nodes import open_cluster
from tests.search.examples import make_study

pytestmark = pytest.mark.slow
_BROKEN: Final = "VAESEARCH_TEST_BROKEN"  # set on the node whose disk is
_NUM_FAILING: Final = 3
_LONG_SECONDS: Final = 2.0  # in which all of the trials would fail, each in a moment


class BrokenBench(ChainBench):
    """One with which no trial can start where the disk is broken, and the first one elsewhere comes
    to something when so many have failed as it takes, and many more could have."""

    def start(self, assignment: Assignment, should_stop: Callable[[], bool]) -> TrialRun:
        failed = Path(self._shared.store) / "failed"
        failed.mkdir(parents=True, exist_ok=True)
        if os.environ.get(_BROKEN):
            (failed / str(assignment.trial)).touch()
            raise OSError("the disk is broken")
        if not (ended := failed.parent / "ended").exists():
            while len(list(failed.iterdir())) < _NUM_FAILING and not should_stop():
                time.sleep(0.05)
            time.sleep(_LONG_SECONDS)
            ended.touch()
        return super().start(assignment, should_stop)


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a cluster of two nodes in two zones, with a CPU each."""
    with open_cluster() as nodes:
        nodes.add_node(num_cpus=1, labels={"zone": "east"})
        nodes.add_node(num_cpus=1, labels={"zone": "west"})
        yield nodes.address


def run(
    place: Workspace,
    address: str,
    name: str,
    trials: int,
    work: Work = CHAINS,
    num_workers: int = 1,
    **resources: object,
) -> StudyReader:
    budget = {"trials": trials, "epochs": 2}
    study = make_study(name=name, budget=budget, tracking={"mlflow": False}, resources=resources)
    create(study, place)
    said: list[str] = []
    ending = drive(name, place, said.append, work=work, ray=address)
    assert ending is Ending.FINISHED
    # Of the two that the cluster has room for.
    assert any(text.startswith(f"running trials on {num_workers} worker") for text in said)
    return StudyReader(open_database(place.study_url), name)


def states(reader: StudyReader) -> list[TrialState]:
    return [trial.state for trial in reader.trials()]


def test_trials_go_where_they_can_run(
    cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workspace.at(tmp_path / "ws")
    labelled = run(place, cluster, "labelled", 3, labels={"zone": "east"})
    assert states(labelled) == [TrialState.COMPLETE] * 3
    # A label that no node has: refused, with what was looked for.
    monkeypatch.setattr(room, "_JOIN_SECONDS", 2.0)
    with pytest.raises(WorkersError, match=r"No trial fits on any node: it takes .* zone=other"):
        run(place, cluster, "nowhere", 1, labels={"zone": "other"})


def test_a_node_where_trials_fail_gets_no_more_of_them_and_is_named(tmp_path: Path) -> None:
    place = Workspace.at(tmp_path / "ws")
    breaking = dataclasses.replace(CHAINS, open_bench=BrokenBench)
    with open_cluster() as nodes:
        nodes.add_node(num_cpus=1)
        broken = nodes.add_node(num_cpus=1, env_vars={_BROKEN: "yes"})
        ray.init(nodes.address)
        name = node_names(ray.nodes())[broken.node_id]
        ray.shutdown()
        reader = run(place, nodes.address, "breaking", 20, breaking, num_workers=2)
    found = states(reader)
    # One more may have been on its way to the node.
    assert _NUM_FAILING <= found.count(TrialState.FAILED) <= _NUM_FAILING + 1
    assert found.count(TrialState.COMPLETE) == len(found) - found.count(TrialState.FAILED)
    (event,) = [event for event in reader.events() if event.kind == "node set aside"]
    assert event.details["node"] == name
    assert "OSError: the disk is broken" in event.details["reason"]
    lines = history_lines(reader.record().config, reader.events())
    assert any(name in line and "the disk is broken" in line for line in lines)
