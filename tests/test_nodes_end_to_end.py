"""On which of a real cluster's nodes trials run: those with the labels that a study names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from search.driver import create, drive
from search.errors import WorkersError
from search.executor import room
from search.stopper import Ending
from search.study.database import open_database
from search.study.reader import StudyReader
from search.trial import TrialState
from search.workspace import Workspace
from tests.chaos.work import CHAINS
from tests.ray_nodes import open_cluster
from tests.search.examples import make_study

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a cluster of two nodes in two zones, with a CPU each."""
    with open_cluster() as nodes:
        nodes.add_node(num_cpus=1, labels={"zone": "east"})
        nodes.add_node(num_cpus=1, labels={"zone": "west"})
        yield nodes.address


def run(place: Workspace, address: str, name: str, trials: int, **resources: object) -> StudyReader:
    budget = {"trials": trials, "epochs": 2}
    study = make_study(name=name, budget=budget, tracking={"mlflow": False}, resources=resources)
    create(study, place)
    said: list[str] = []
    ending = drive(name, place, said.append, work=CHAINS, ray=address)
    assert ending is Ending.FINISHED
    assert "running trials on 1 worker" in said  # of the two that the cluster has room for
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
