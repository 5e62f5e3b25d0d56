"""Nodes with addresses of their own, of which one is cut off for a minute while it works."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from search.study.attempts import read_attempts
from search.study.database import open_database
from search.study.reader import StudyReader, list_names
from search.study.submissions import read_submission
from search.trial import Measurement, TrialState
from tests.cluster.deployment import CLUSTER
from tests.cluster.network import Network, wired
from tests.cluster.service import (
    RayPorts,
    Service,
    running_databases,
    running_service,
    start_head,
    start_mlflow,
    start_node,
)
from tests.postgres import programs

NODE_NUMBERS = (1, 2, 3)
NUM_TRIALS, NUM_EPOCHS = 7, 500
MLFLOW_PORT = 5000
MLFLOW = f"http://127.0.0.1:{MLFLOW_PORT}"
CUT_SECONDS = 60.0
PORTS = RayPorts(gcs=6379, jobs=8265, client=10001, base=6380)  # nobody else is on these machines
STUDY = f"""
name: cut
dataset: digits
space:
  beta: {{type: float, low: 0.1, high: 4, log: true}}
fixed: {{variant: vae, latent_dim: 4, widths: [64], batch_size: 20}}
budget: {{trials: {NUM_TRIALS}, epochs: {NUM_EPOCHS}}}
measure: {{num_images: 500, every_epochs: 10}}
seed: 3
"""
NODES = """
import os, sys, urllib.request
request = urllib.request.Request(sys.argv[1] + "/nodes?view=summary")
request.add_header("Authorization", "Bearer " + os.environ["RAY_AUTH_TOKEN"])
print(urllib.request.urlopen(request, timeout=20).read().decode())
"""


class Cluster:
    """A head with MLflow, nodes, a supervisor and a person's commands, on machines of a network."""

    def __init__(self, service: Service, network: Network, server: sa.URL):
        self.service, self.network, self._server = service, network, server
        self.study_url = self._url("study").render_as_string(hide_password=False)
        self._jobs = f"http://{network.address()}:{PORTS.jobs}"
        self._environment = {
            "VAESEARCH_STUDY_URL": self.study_url,
            "VAESEARCH_STORE": service.folder / "store",
            "VAESEARCH_WORKSPACE": service.folder / "workspace",
            "VAESEARCH_MLFLOW_URI": MLFLOW,
            "MLFLOW_TRACKING_USERNAME": "vaesearch",
            "MLFLOW_TRACKING_PASSWORD": service.administrator,
        }

    def start(self) -> None:
        """Starts everything and waits until the nodes have joined."""
        address, head = self.network.address(), self.network.inside()
        start_mlflow(self.service, self._url, MLFLOW_PORT, *head)
        start_head(self.service, address, PORTS, *head, **self._environment)
        for number in NODE_NUMBERS:
            start_node(
                self.service,
                f"node{number}",
                self.network.address(number),
                f"{address}:{PORTS.gcs}",
                PORTS.base,
                *self.network.inside(number),
            )
        self.service.wait("the nodes", lambda: all(map(self.alive, NODE_NUMBERS)), 300)
        words = ("supervise", "--cluster", self._jobs, "--every", "2")
        environment = {**self._environment, **self.service.ray_environment}
        self.service.start("supervisor", *head, "vaesearch", *words, **environment)

    def nodes(self) -> list[dict[str, Any]]:
        """Returns what the head knows of its nodes, lost ones included; nothing if it is away."""
        ask = [*self.network.inside(), "python", "-c", NODES, self._jobs]
        result = self.service.tried(*ask, **self.service.ray_environment)
        known = json.loads(result.stdout)["data"]["summary"] if result.returncode == 0 else []
        return [node["raylet"] for node in known]

    def alive(self, number: int) -> str | None:
        """Returns the id of a machine's living node."""
        address = self.network.address(number)
        for node in self.nodes():
            if (node["nodeManagerAddress"], node["state"]) == (address, "ALIVE"):
                return str(node["nodeId"])
        return None

    def state(self, node_id: str) -> str | None:
        """Returns ALIVE or DEAD, None if the head does not know the node or is away."""
        states = {node["nodeId"]: node["state"] for node in self.nodes()}
        return states.get(node_id)

    def check_mlflow(self) -> None:
        """Checks that MLflow says of every trial what the study does."""
        status = self.service.folder / "status.json"
        status.write_text(
            self.service.run("vaesearch", "status", "cut", "--json", **self._environment)
        )
        words = ["python", CLUSTER / "smoke_check.py", MLFLOW, status, NUM_TRIALS]
        self.service.run(*self.network.inside(), *words, **self._environment)

    def _url(self, role: str) -> sa.URL:
        """Returns the address of a role's database by its socket in the file system, which every
        network namespace sees."""
        place = {"host": str(self.service.folder / "sql"), "port": str(self._server.port)}
        driver, password = self._server.drivername, self.service.passwords[role]
        return sa.URL.create(driver, role, password, database=role, query=place)

    def submit(self) -> None:
        """Launches the search as a person does."""
        study = self.service.folder / "study.yaml"
        study.write_text(STUDY)
        words = ("submit", study, "--cluster", self._jobs, "--detach")
        environment = {**self._environment, **self.service.ray_environment}
        environment["VAESEARCH_WORKSPACE"] = self.service.folder / "home"
        self.service.run(*self.network.inside(), "vaesearch", *words, **environment)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    if programs() is None:
        pytest.skip("no PostgreSQL server")
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    num_nodes = len(NODE_NUMBERS)
    with (
        wired(num_nodes) as network,
        running_service() as service,
        running_databases(service) as server,
    ):
        cluster = Cluster(service, network, server)
        cluster.start()
        yield cluster


@pytest.mark.slow(minutes=5)
class TestACutOffNode:
    def test_its_trial_goes_on_elsewhere_and_every_trial_ends_once(self, cluster):
        service, network = cluster.service, cluster.network
        cluster.submit()
        engine = open_database(cluster.study_url)
        service.wait("the search", lambda: "cut" in list_names(engine))
        study = StudyReader(engine, "cut")
        service.wait("a trial on every node", lambda: num_busy(study) == len(NODE_NUMBERS), 600)

        lost = cluster.alive(1)
        network.cut_off(1)
        cut_at, began = time.time(), time.monotonic()
        service.wait("that the node is missed", lambda: cluster.state(lost) == "DEAD", 300)
        service.wait("its trial elsewhere", lambda: measured_again(study), 600)
        service.wait("the minute", lambda: time.monotonic() - began >= CUT_SECONDS)
        network.plug_in(1)
        plugged_in_at = time.time()
        service.wait("the node's return", lambda: cluster.alive(1) not in (None, lost), 300)
        assert cluster.state(lost) == "DEAD"

        service.wait("its end", lambda: not read_submission(engine, "cut").is_wanted, 900)
        number, first = measured_again(study)[0]
        assert cut_at < first.unix_time < plugged_in_at
        check_result(study, number, first)
        cluster.check_mlflow()


def num_busy(study: StudyReader) -> int:
    """Returns how many trials run and have measured something."""
    trials = study.trials()
    return sum(trial.state is TrialState.RUNNING and trial.last_epoch > 0 for trial in trials)


def measured_again(study: StudyReader) -> list[tuple[int, Measurement]]:
    """Returns what was measured by attempts that are not a trial's first one, by trial."""
    return [(number, m) for number, m in study.recorded() if m.attempt > 1]


def check_result(study: StudyReader, again: int, first: Measurement) -> None:
    """Checks that every trial ended once, and that one went on from where it was cut off."""
    trials = study.trials()
    assert [trial.number for trial in trials] == list(range(NUM_TRIALS))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert {trial.last_epoch for trial in trials} == {NUM_EPOCHS}
    attempts = read_attempts(study)
    ended = Counter(attempt.trial for attempt in attempts if attempt.outcome == "complete")
    assert ended == dict.fromkeys(range(NUM_TRIALS), 1)
    assert [attempt.trial for attempt in attempts if attempt.outcome == "lost"] == [again]
    # One that was handed out before the loss was known to be one of a slot may be given back.
    assert {attempt.outcome for attempt in attempts} <= {"complete", "lost", "interrupted"}
    recorded = [m for number, m in study.recorded() if number == again]
    by_attempt = [measurement.attempt for measurement in recorded]
    assert by_attempt == sorted(by_attempt)  # the lost worker has written nothing afterwards
    assert first.epoch > recorded[0].epoch
