"""Before a search begins on a cluster, real nodes prove that they can use the store."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from search.errors import StoreError, WorkersError
from search.executor import node_proof
from search.executor.node_proof import prove_nodes
from search.executor.node_stats import node_names
from search.executor.sharing import spans_machines
from tests.ray_nodes import ROOT, need_own_mounts, open_cluster, other_machine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head that runs no trials, and a node that runs one."""
    with open_cluster() as cluster:
        cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="CRITICAL")
        yield cluster


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


def refusal(store: object) -> str:
    """Returns why the launch was refused, in one line."""
    with pytest.raises(WorkersError, match=r"nodes? cannot run trials with the store") as caught:
        prove_nodes(str(store))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nodes_that_can_use_the_store_prove_it_and_leave_nothing(
    cluster: Cluster, store: Path
) -> None:
    prove_nodes(str(store))
    assert list(store.iterdir()) == []
    assert spans_machines()


def test_a_store_that_this_machine_cannot_use_is_no_fault_of_nodes(
    cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"Cannot write to the store, .*file"):
        prove_nodes(str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("mounts", "reason"),
    [
        ("mount -t tmpfs tmpfs {store}", "does not see there what the driver has written"),
        (
            "mount --bind {store} {store}\nmount -o remount,bind,ro {store}",
            "Cannot write to the store, {store}/proof-",
        ),
    ],
)
def test_a_node_whose_store_is_another_is_named_with_what_to_do(
    cluster: Cluster, store: Path, mounts: str, reason: str
) -> None:
    need_own_mounts()
    with other_machine(cluster.address, mounts.format(store=store)) as node_id:
        name = node_names(ray.nodes())[node_id]
        message = refusal(store)
        assert message.startswith("1 of 3 nodes cannot run trials")
        assert name in message
        assert reason.format(store=store) in message
        assert f"Mount the same folder at {store} on every node" in message
        assert list(store.iterdir()) == []


def test_a_node_with_other_code_is_named(cluster: Cluster, store: Path, tmp_path: Path) -> None:
    need_own_mounts()
    changed, own = tmp_path / "variants.py", ROOT / "vaemodels" / "variants.py"
    shutil.copy(own, changed)
    with changed.open("a") as file:
        file.write("# one more line\n")
    with other_machine(cluster.address, f"mount --bind {changed} {own}") as node_id:
        message = refusal(store)
        assert node_names(ray.nodes())[node_id] in message
        assert "has vaesearch code " in message
        assert "Install the driver's version of vaesearch on every node." in message
        assert "Mount" not in message


def test_a_node_that_does_not_answer_is_named(
    cluster: Cluster, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WorkersError, match=r"has not answered in 0 seconds.*ray status"):
        prove_nodes(str(store), seconds=0)
    assert list(store.iterdir()) == []


def test_an_s3_store_is_proved_as_well(cluster: Cluster, s3_url: str) -> None:
    """Its address is in this process's environment alone: the nodes were started before."""
    message = refusal(f"{s3_url}/proved")
    assert message.startswith("2 of 2 nodes cannot run trials with the store s3://")
    assert "Set AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in message


def test_many_nodes_are_not_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = {
        f"{index:02d}-id": {
            "NodeID": f"{index:02d}-id",
            "NodeManagerHostname": f"gpu{index:02d}",
            "NodeManagerAddress": f"10.0.0.{index}",
            "Alive": True,
        }
        for index in range(30)
    }
    problem = node_proof._Problem("store", "cannot write")
    message = node_proof._refusal(nodes, dict.fromkeys(nodes, problem), "/mnt/store")
    assert message.startswith("30 of 30 nodes cannot run trials with the store /mnt/store: gpu00 ")
    assert "gpu04 (10.0.0.4) cannot write; and 25 more. Mount the same folder" in message
