"""What is read of a machine, how machines are named, and that real Ray nodes are all asked."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import ray
from ray.cluster_utils import Cluster

from search.executor import node_stats
from search.executor.node_stats import NodeStats, node_names, watching_nodes
from search.node_sample import NodeSample
from tests.ray_nodes import open_cluster

DEADLINE_SECONDS = 60.0
PROCESS = "ray::NodeStats"


class NoSuchThingError(Exception):
    pass


def fake_nvml(utilization: float | None, num_gpus: int = 2) -> Any:
    """Returns a library that knows GPUs of 80 GB, the first of which is half full."""

    def utilization_of(index: int) -> Any:
        if utilization is None:
            raise NoSuchThingError("a part of a GPU")
        return SimpleNamespace(gpu=utilization + index)

    return SimpleNamespace(
        NVMLError=NoSuchThingError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: num_gpus,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetMemoryInfo=lambda index: SimpleNamespace(
            used=40e9 if index == 0 else 0, total=80e9
        ),
        nvmlDeviceGetUtilizationRates=utilization_of,
    )


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_stats, "_FIRST_SECONDS", 0.01)


@pytest.mark.usefixtures("at_once")
class TestSample:
    def test_its_values_can_be_true(self, tmp_path: Path) -> None:
        before = time.time()
        unix_time, values = NodeStats(str(tmp_path)).sample()
        assert before <= unix_time <= time.time()
        percentages = {name: value for name, value in values.items() if "percentage" in name}
        assert all(0 <= value <= 100 for value in percentages.values())
        assert {
            "cpu_utilization_percentage",
            "system_memory_usage_percentage",
            "disk_usage_percentage",
        } <= percentages.keys()
        total = psutil.virtual_memory().total / 1e6
        assert 0 < values["system_memory_usage_megabytes"] < total
        assert all(type(value) is float for value in values.values())

    @pytest.mark.parametrize(
        ("store", "disk"),
        [
            ("{here}/not/there/yet", "{here}"),
            ("s3://bucket/path", "/"),
            ("/nowhere-at-all/store", "/"),
        ],
    )
    def test_the_disk_is_that_of_the_store_if_it_is_a_folder(
        self, store: str, disk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        def usage(path: str) -> Any:
            asked.append(path)
            return SimpleNamespace(percent=12.3)

        monkeypatch.setattr(psutil, "disk_usage", usage)
        stats = NodeStats(store.format(here=tmp_path))
        assert stats.sample()[1]["disk_usage_percentage"] == 12.3
        assert asked == [disk.format(here=tmp_path)]

    def test_a_disk_that_cannot_be_asked_is_left_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(path: str) -> Any:
            raise OSError("stale file handle")

        monkeypatch.setattr(psutil, "disk_usage", fails)
        values = NodeStats(str(tmp_path)).sample()[1]
        assert "disk_usage_percentage" not in values
        assert "cpu_utilization_percentage" in values

    def test_every_gpu_of_the_machine_is_told_apart(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(utilization=97))
        values = NodeStats(str(tmp_path)).sample()[1]
        assert {name: value for name, value in values.items() if name.startswith("gpu")} == {
            "gpu_0_memory_usage_percentage": 50.0,
            "gpu_0_memory_usage_megabytes": 40_000.0,
            "gpu_0_utilization_percentage": 97.0,
            "gpu_1_memory_usage_percentage": 0.0,
            "gpu_1_memory_usage_megabytes": 0.0,
            "gpu_1_utilization_percentage": 98.0,
        }

    def test_what_a_gpu_does_not_tell_is_left_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(utilization=None, num_gpus=1))
        values = NodeStats(str(tmp_path)).sample()[1]
        assert {name for name in values if name.startswith("gpu")} == {
            "gpu_0_memory_usage_percentage",
            "gpu_0_memory_usage_megabytes",
        }

    def test_without_the_library_or_a_gpu_there_is_no_word_of_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pynvml", None)  # as if it were not installed
        monkeypatch.setitem(sys.modules, node_stats._NVML[1], fake_nvml(None, num_gpus=0))
        values = NodeStats(str(tmp_path)).sample()[1]
        assert not [name for name in values if name.startswith("gpu")]


def named(*hosts: str, dead: tuple[str, ...] = ()) -> list[str]:
    nodes = [
        {"NodeID": f"{index}{'abcdef' * 9}", "NodeManagerHostname": host, "Alive": host not in dead}
        for index, host in enumerate(hosts)
    ]
    return list(node_names(nodes).values())


class TestNames:
    def test_a_node_has_the_name_of_its_host(self) -> None:
        assert named("gpu-1.cluster.local", "gpu_2") == ["gpu-1.cluster.local", "gpu_2"]

    def test_the_dead_are_not_named(self) -> None:
        assert named("a", "b", dead=("a",)) == ["b"]
        assert named() == []

    def test_nodes_of_one_host_are_told_apart(self) -> None:
        assert named("tiger", "lion", "tiger") == ["tiger-0abcde", "lion", "tiger-2abcde"]

    @pytest.mark.parametrize(
        ("host", "name"),
        [
            ("a/b", "a_b"),
            ("rechner für alle", "rechner_f_r_alle"),
            ("..", "node"),
            ("", "node"),
            (".hidden.", "hidden"),
            ("x" * 300, "x" * 100),
        ],
    )
    def test_what_fits_no_metric_is_replaced(self, host: str, name: str) -> None:
        assert named(host) == [name]

    def test_hosts_that_become_alike_are_told_apart(self) -> None:
        assert named("a/b", "a?b") == ["a_b-0abcde", "a_b-1abcde"]


class Heard:
    """The samples of nodes so far."""

    def __init__(self) -> None:
        self._samples: list[NodeSample] = []
        self._lock = threading.Lock()

    def add(self, sample: NodeSample) -> None:
        with self._lock:
            self._samples.append(sample)

    def count(self, node: str) -> int:
        with self._lock:
            return sum(sample.node == node for sample in self._samples)

    def wait_for_more(self, node: str) -> None:
        known = self.count(node)
        wait_until(lambda: self.count(node) > known, f"another sample of {node}")


def wait_until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


def processes() -> list[psutil.Process]:
    """Returns those that sample nodes of this process' Ray."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[:1] and process.cmdline()[0].startswith(PROCESS):
                found.append(process)
    return found


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr(node_stats, "_PERIOD_SECONDS", 0.5)
    with open_cluster(num_cpus=1) as cluster:
        ray.init(address=cluster.address, log_to_driver=False, logging_level="CRITICAL")
        yield cluster


@pytest.mark.slow
def test_nodes_that_come_go_and_hang_are_sampled_while_they_can_be(
    cluster: Cluster, tmp_path: Path
) -> None:
    heard, host = Heard(), node_names(ray.nodes())[ray.get_runtime_context().get_node_id()]
    with watching_nodes(heard.add, str(tmp_path)):
        heard.wait_for_more(host)
        assert not processes()  # of its own node the driver knows itself
        second = cluster.add_node(num_cpus=1)
        heard.wait_for_more(node_names(ray.nodes())[second.node_id])
        (watcher,) = processes()
        third = cluster.add_node(num_cpus=1)
        names = node_names(ray.nodes())
        assert set(names.values()) == {f"{host}-{node_id[:6]}" for node_id in names}
        for name in names.values():
            heard.wait_for_more(name)
        watcher.send_signal(signal.SIGSTOP)  # one node hangs, the other is asked all the same
        other = names[third.node_id]
        for _ in range(3):
            heard.wait_for_more(other)
        cluster.remove_node(third)
        wait_until(lambda: len(node_names(ray.nodes())) == 2, "the node is known to be dead")
        watcher.send_signal(signal.SIGCONT)
        heard.wait_for_more(names[second.node_id])
        os.kill(watcher.pid, signal.SIGKILL)  # is started again
        heard.wait_for_more(names[second.node_id])
        (again,) = processes()
        again.send_signal(signal.SIGSTOP)  # hangs when the search ends
        started = time.monotonic()
    assert time.monotonic() - started < 3
    wait_until(lambda: not processes(), "the processes have ended")
    assert "node-stats" not in {thread.name for thread in threading.enumerate()}
    assert ray.cluster_resources()["CPU"] == 2


@pytest.mark.slow
def test_where_nodes_are_ended_when_idle_none_is_kept_busy_by_being_sampled(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_stats, "can_grow", lambda: True)
    heard, host = Heard(), ray.get_runtime_context().get_node_id()
    second = cluster.add_node(num_cpus=2)
    with watching_nodes(heard.add, str(tmp_path)):
        assert second.node_id in node_stats.idle_nodes()
        names = node_names(ray.nodes())
        name = names[second.node_id]
        for _ in range(3):
            heard.wait_for_more(names[host])
        assert not heard.count(name)
        assert not processes()
        worker = ray.remote(Heard).options(num_cpus=2).remote()  # fits on this node alone
        heard.wait_for_more(name)
        ray.kill(worker)
        wait_until(lambda: not processes(), "the process that samples it has ended")


def test_without_anybody_to_hear_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_stats, "_Watch", pytest.fail)
    with watching_nodes(None, "store"):
        pass
