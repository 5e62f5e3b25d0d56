"""The load of every machine that Ray has: read there every few seconds, handed over in the driver.

Several trials share a machine, so its load says nothing about one of them: it is the search's.
"""

import contextlib
import importlib
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, final

import psutil
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search.executor.autoscaler import can_grow
from search.node_sample import NodeSample

_log = logging.getLogger(__name__)

_PERIOD_SECONDS: Final = 10.0
_WAIT_SECONDS: Final = 0.5  # how late it is noticed at most that the search has ended
_ANSWER_SECONDS: Final = 5.0
_END_SECONDS: Final = 5.0
_FIRST_SECONDS: Final = 1.0  # what the first sample of a processor's load is about
_MOST_RESTARTS: Final = 3
_LONGEST_NAME: Final = 100  # of a node; MLflow takes 250 characters of a metric's name
_NVML: Final = ("pynvml", "ray._private.thirdparty.pynvml")  # Ray brings a copy
_MEGABYTE: Final = 1e6  # as MLflow counts


@final
class NodeStats:
    """Reads the load of the machine that it is made on.

    Args:
        store: The search's; the disk that it is on matters most.
    """

    def __init__(self, store: str):
        self._store = store
        self._nvml = open_nvml()
        # The load of a processor is that since it was asked for last.
        psutil.cpu_percent()
        time.sleep(_FIRST_SECONDS)

    def sample(self) -> tuple[float, dict[str, float]]:
        """Returns the unix time, and values by MLflow's names."""
        memory = psutil.virtual_memory()
        values = {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / _MEGABYTE,
            "system_memory_usage_percentage": memory.used / memory.total * 100,
        }
        with contextlib.suppress(OSError):
            values["disk_usage_percentage"] = psutil.disk_usage(str(_folder(self._store))).percent
        if self._nvml is not None:
            values |= _gpu_values(self._nvml)
        return time.time(), {name: round(value, 1) for name, value in values.items()}


def _folder(store: str) -> Path:
    """Returns as much of the store's path as is there: the root for one that is no folder."""
    path = Path("/" if "://" in store else store).absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def open_nvml() -> Any:
    """Returns NVIDIA's library that watches GPUs, None where there is none or it has none.

    It needs no CUDA: a process that watches takes no memory of a GPU.
    """
    for name in _NVML:
        with contextlib.suppress(Exception):
            library = importlib.import_module(name)
            library.nvmlInit()
            return library
    return None


def _gpu_values(nvml: Any) -> dict[str, float]:
    values: dict[str, float] = {}
    with contextlib.suppress(nvml.NVMLError):
        for index in range(nvml.nvmlDeviceGetCount()):
            gpu = nvml.nvmlDeviceGetHandleByIndex(index)
            with contextlib.suppress(nvml.NVMLError):
                memory = nvml.nvmlDeviceGetMemoryInfo(gpu)
                values[f"gpu_{index}_memory_usage_percentage"] = memory.used / memory.total * 100
                values[f"gpu_{index}_memory_usage_megabytes"] = memory.used / _MEGABYTE
            with contextlib.suppress(nvml.NVMLError):  # a part of a GPU knows no utilization
                utilization = nvml.nvmlDeviceGetUtilizationRates(gpu).gpu
                values[f"gpu_{index}_utilization_percentage"] = float(utilization)
    return values


def node_names(nodes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Returns id -> name of those of Ray's nodes that live.

    A name is that of the host, made fit for a metric; where several nodes are on one host, the
    beginning of the node's id is added.

    Args:
        nodes: As `ray.nodes()` returns them.
    """
    hosts = {node["NodeID"]: _fit(node["NodeManagerHostname"]) for node in nodes if node["Alive"]}
    count = Counter(hosts.values())
    return {
        node_id: host if count[host] == 1 else f"{host}-{node_id[:6]}"
        for node_id, host in hosts.items()
    }


def _fit(host: str) -> str:
    # No slash, which would make two names of it, and none of the dots that mean another folder.
    return re.sub(r"[^A-Za-z0-9_.-]", "_", host)[:_LONGEST_NAME].strip(".") or "node"


def idle_nodes() -> set[str]:
    """Returns the ids of the living nodes of which nobody uses a CPU or a GPU."""
    left = ray._private.state.available_resources_per_node()
    return {
        node["NodeID"]
        for node in ray.nodes()
        if all(
            left.get(node["NodeID"], {}).get(name, 0.0) == node["Resources"].get(name, 0.0)
            for name in ("CPU", "GPU")
        )
    }


@contextlib.contextmanager
def watching_nodes(add: Callable[[NodeSample], None] | None, store: str) -> Iterator[None]:
    """Samples the load of every node while the body runs, at once and then every ten seconds.

    Nothing that goes wrong with it is raised, and a node that hangs holds nobody up.

    Args:
        add: Called from a thread with each sample; None if nobody wants them: nothing starts then.
        store: The search's.
    """
    if add is None:
        yield
        return
    watch = _Watch(add, store)
    watch.start()
    try:
        yield
    finally:
        watch.end()


@final
class _Watch:
    """One thread looks at this node, another asks a process on every other one that lives."""

    def __init__(self, add: Callable[[NodeSample], None], store: str):
        self._add = add
        self._store = store
        self._actors: dict[str, Any] = {}  # by the node's id
        self._asked: dict[str, Any] = {}  # what has not been answered yet, likewise
        self._ended = threading.Event()
        self._here = str(ray.get_runtime_context().get_node_id())
        self._threads = [
            threading.Thread(target=target, daemon=True, name="node-stats")
            for target in (self._look_here, self._look_elsewhere)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ended.set()
        deadline = time.monotonic() + _END_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for node_id in list(self._actors):
            self._drop(node_id)

    def _look_here(self) -> None:
        made: list[NodeStats] = []

        def look(names: Mapping[str, str], due: float) -> None:
            if not made:
                made.append(NodeStats(self._store))
            self._add(NodeSample(names[self._here], *made[0].sample()))

        self._again_and_again(look)

    def _look_elsewhere(self) -> None:
        def look(names: Mapping[str, str], due: float) -> None:
            # A process of ours would keep a node that has nothing to do from being ended.
            left_alone = idle_nodes() if can_grow() else set()
            left_alone.add(self._here)
            self._ask({key: name for key, name in names.items() if key not in left_alone})
            self._collect(names, due)

        self._again_and_again(look)

    def _again_and_again(self, look: Callable[[Mapping[str, str], float], None]) -> None:
        """Calls `look` with the names of the nodes and the time at which it is called again."""
        while not self._ended.is_set():
            due = time.monotonic() + _PERIOD_SECONDS
            try:
                names = node_names(ray.nodes())
                if not self._ended.is_set():  # Ray would start again if it had been ended
                    look(names, due)
            except Exception as error:  # noqa: BLE001 - whatever it is, the search goes on
                _log.info("The load of the nodes cannot be read", exc_info=error)
            self._ended.wait(due - time.monotonic())

    def _ask(self, names: Mapping[str, str]) -> None:
        """Asks every other node that has answered, or is new."""
        for node_id in self._actors.keys() - names.keys():
            self._drop(node_id)
        for node_id in names:
            if node_id not in self._actors:
                self._actors[node_id] = self._new_actor(node_id)
            if node_id not in self._asked:
                self._asked[node_id] = self._actors[node_id].sample.remote()

    def _new_actor(self, node_id: str) -> Any:
        here = NodeAffinitySchedulingStrategy(node_id, soft=False)
        made: Any = ray.remote(NodeStats)
        return made.options(
            num_cpus=0, num_gpus=0, scheduling_strategy=here, max_restarts=_MOST_RESTARTS
        ).remote(self._store)

    def _drop(self, node_id: str) -> None:
        self._asked.pop(node_id, None)
        with contextlib.suppress(Exception):
            ray.kill(self._actors.pop(node_id))

    def _collect(self, names: Mapping[str, str], due: float) -> None:
        """Hands over what is answered before the next round is due; the rest may come in that."""
        while self._asked and not self._ended.is_set() and time.monotonic() < due:
            references = {reference: node_id for node_id, reference in self._asked.items()}
            for reference in ray.wait(list(references), timeout=_WAIT_SECONDS)[0]:
                node_id = references[reference]
                del self._asked[node_id]
                self._take(names[node_id], reference)

    def _take(self, node: str, reference: Any) -> None:
        try:
            unix_time, values = ray.get(reference, timeout=_ANSWER_SECONDS)
        except ray.exceptions.RayError as error:
            _log.info("The load of %s cannot be read", node, exc_info=error)
            return
        self._add(NodeSample(node, unix_time, values))
