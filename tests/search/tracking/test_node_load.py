"""The load of the machines on the search's own run, whatever MLflow does. Real MLflow, no Ray."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from search.errors import LeaseLostError, TrackerError
from search.node_sample import NodeSample
from search.study.database import open_database
from search.study.projections import SEARCH_ITSELF, Projections
from search.tracking import node_load
from search.tracking.client import MlflowRuns, Point
from search.tracking.node_load import NodeLoad
from search.tracking.projector import Projector, projecting
from search.workspace import Workspace
from tests.search.tracking.mlflow_study import (
    Driver,
    driving,
    history,
    make_client,
    make_config,
    runs_of,
    wait_until,
)

CPU = "cpu_utilization_percentage"


class Sending:
    """A search's run in MLflow, the load on its way there, and what is sent."""

    def __init__(self, driver: Driver, monkeypatch: pytest.MonkeyPatch):
        self.driver = driver
        driver.mirror().flush()
        self.began_at = driver.reader.record().created_at
        self.runs = MlflowRuns(driver.uri, driver.workspace.artifacts, driver.reader.id)
        self.runs.open()
        self.load = self.new_load()
        self.sizes: list[int] = []
        log = MlflowRuns.log

        def counted(runs: MlflowRuns, run_id: str, points: Sequence[Point], *rest: Any) -> None:
            log(runs, run_id, points, *rest)
            self.sizes.append(len(points))

        monkeypatch.setattr(MlflowRuns, "log", counted)

    def new_load(self) -> NodeLoad:
        rows = Projections(self.driver.reader.engine, self.driver.reader.id)
        return NodeLoad(self.runs, rows, self.began_at)

    def add(self, second: float, node: str = "tiger", **values: float) -> None:
        self.load.add(NodeSample(node, self.began_at + second, {CPU: second, **values}))

    def stored(self, node: str = "tiger") -> list[tuple[int, float, int]]:
        client = make_client(self.driver)
        parent = runs_of(self.driver, client)[SEARCH_ITSELF]
        return sorted(history(client, parent, f"system/{node}/{CPU}"))

    def seconds(self) -> list[int]:
        return [step for step, _, _ in self.stored()]


@pytest.fixture
def sending(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> Sending:
    return Sending(driver, monkeypatch)


def test_all_that_waits_goes_in_one_request_with_its_own_times(sending: Sending) -> None:
    for second in (0.0, 9.6, 20.2):
        sending.add(second, disk_usage_percentage=50.0)
        sending.add(second, node="lion-1a2b3c")
    sending.load.send()
    sending.load.send()  # nothing is left
    assert sending.sizes == [9]
    milliseconds = [int((sending.began_at + second) * 1000) for second in (0.0, 9.6, 20.2)]
    wanted = list(zip((0, 10, 20), (0.0, 9.6, 20.2), milliseconds, strict=True))
    assert sending.stored() == sending.stored("lion-1a2b3c") == wanted


def test_a_clock_that_is_slow_makes_no_step_below_zero(sending: Sending) -> None:
    sending.add(-30.0)
    sending.load.send()
    assert sending.seconds() == [0]


def test_much_goes_in_several_flushes_and_all_of_it_in_the_last(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_load, "_POINTS_PER_REQUEST", 4)
    for second in range(15):
        sending.add(second)
    sending.load.send()
    assert sending.sizes == [4]
    sending.load.send(is_last=True)
    assert sending.sizes == [4, 4, 4, 3]
    assert sending.seconds() == list(range(15))


def test_the_oldest_of_too_many_are_dropped(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_load, "_MOST_POINTS", 5)
    sending.load = sending.new_load()
    for second in range(9):
        sending.add(second)
    sending.load.send()
    assert sending.seconds() == [4, 5, 6, 7, 8]


def test_what_is_sampled_while_mlflow_is_away_is_sent_when_it_is_back(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = MlflowRuns.log

    def away(*_: Any) -> None:
        raise TrackerError("nobody answers")

    monkeypatch.setattr(MlflowRuns, "log", away)
    for second in range(3):
        sending.add(second)
        with pytest.raises(TrackerError, match="nobody answers"):
            sending.load.send()
    monkeypatch.setattr(MlflowRuns, "log", log)
    sending.load.send(is_last=True)
    assert sending.seconds() == [0, 1, 2]


def test_samples_for_a_run_that_was_deleted_hold_up_nothing(sending: Sending) -> None:
    deleted = runs_of(sending.driver)[SEARCH_ITSELF].info.run_id
    make_client(sending.driver).delete_run(deleted)
    sending.add(1)
    sending.load.send()
    sending.driver.mirror().flush()  # makes the run again
    assert runs_of(sending.driver)[SEARCH_ITSELF].info.run_id != deleted
    sending.add(2)
    sending.load.send()
    assert sending.seconds() == [2]


def test_a_driver_that_was_taken_over_sends_nothing_more(sending: Sending) -> None:
    with open_database(sending.driver.workspace.study_url).begin() as connection:
        connection.exec_driver_sql("UPDATE lease SET token = token + 1")
    sending.add(1)
    with pytest.raises(LeaseLostError, match="took this search over"):
        sending.load.send()
    assert sending.stored() == []


def test_a_driver_sends_while_it_runs_and_when_it_ends_and_nothing_to_trials(
    driver: Driver,
) -> None:
    began_at = driver.reader.record().created_at
    with projecting(driver.reader, driver.writer, driver.workspace, pytest.fail) as add:
        assert add is not None
        trial = driver.whole_trial()
        add(NodeSample("tiger", began_at + 3, {CPU: 12.5}))

        def stored() -> list[tuple[int, float, int]]:
            client, runs = make_client(driver), runs_of(driver)
            parent = runs.get(SEARCH_ITSELF)
            return history(client, parent, f"system/tiger/{CPU}") if parent else []

        wait_until(stored, "the sample is in MLflow while the driver runs")
        add(NodeSample("tiger", began_at + 13, {CPU: 80.0}))
    assert [(step, value) for step, value, _ in sorted(stored())] == [(3, 12.5), (13, 80.0)]
    assert not [name for name in runs_of(driver)[trial].data.metrics if name.startswith("system/")]


def test_an_outage_of_the_store_loses_no_sample(driver: Driver) -> None:
    database = driver.workspace.folder / "mlflow.db"
    good = database.read_bytes()
    database.write_text("not a database at all, for now; longer than a header" * 10)
    began_at, said = driver.reader.record().created_at, list[str]()
    with projecting(driver.reader, driver.writer, driver.workspace, said.append) as add:
        assert add is not None
        for second in range(3):
            add(NodeSample("tiger", began_at + second, {CPU: 1.0}))
        wait_until(lambda: said, "it is said that MLflow fails")
        database.write_bytes(good)
    parent = runs_of(driver)[SEARCH_ITSELF]
    points = history(make_client(driver), parent, f"system/tiger/{CPU}")
    assert sorted(step for step, _, _ in points) == [0, 1, 2]


def test_a_study_without_mlflow_wants_no_samples(workspace: Workspace) -> None:
    config = make_config(None, tracking={"mlflow": False})
    with (
        driving(workspace, config) as driver,
        projecting(driver.reader, driver.writer, workspace, pytest.fail) as add,
    ):
        assert add is None


def test_an_outage_that_only_samples_notice_is_said_once() -> None:
    class Quiet:
        """A search of which nothing is new, so that telling it asks nobody."""

        def flush(self, is_last: bool) -> None: ...
        def show(self, is_last: bool) -> None: ...
        def close(self) -> None: ...
        def untold(self) -> dict[int, int]:
            return {}

    sent, said = list[bool](), list[str]()

    def send(is_last: bool) -> None:
        sent.append(is_last)
        if len(sent) < 4:
            raise TrackerError("away")

    projector = Projector(cast(Any, Quiet()), "demo", said.append, send, pause=0.01)
    projector.start()
    wait_until(lambda: len(sent) > 4, "the samples are sent")
    projector.finish()
    assert len(said) == 1
    assert "away" in said[0]
