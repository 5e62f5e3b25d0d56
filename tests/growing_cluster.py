"""A Ray cluster that grows and shrinks: Ray's own autoscaler starts nodes for what waits, each of
them processes of this machine, and ends those that are idle."""

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, final

import psutil
import yaml
from ray.autoscaler._private.fake_multi_node.node_provider import (
    FAKE_HEAD_NODE_ID,
    FakeMultiNodeProvider,
)
from ray.util import get_node_ip_address

from tests.postgres import free_port
from tests.ray_nodes import ONE_NODE_ONLY, ROOT

_HEAD: Final = "ray.head.default"  # as Ray's provider calls it
_AUTOSCALER: Final = "autoscaler/v2/monitor.py"
_START_SECONDS: Final = 120.0
_STORE_BYTES: Final = 100_000_000
_COMMANDS: Final = (
    *("initialization", "setup", "head_setup", "worker_setup", "head_start_ray"),
    "worker_start_ray",
)
_ENVIRONMENT: Final = {
    "RAY_FAKE_CLUSTER": "1",
    "RAY_enable_autoscaler_v2": "1",  # as KubeRay has it
    "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID,
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONPATH": str(ROOT),
}


@final
class GrowingCluster:
    """A cluster under way.

    Attributes:
        address: To join it at.
        token: Of who joins it.
    """

    def __init__(self, address: str, token: Mapping[str, str], head: subprocess.Popen[bytes]):
        self.address, self.token = address, token
        self._head = psutil.Process(head.pid)

    def nodes(self) -> dict[int, psutil.Process]:
        """Returns the raylets of the nodes that were started for what waits, by their number: the
        first is 1, and none is used twice."""
        found = {}
        for process in self._head.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                ids = [w for w in process.cmdline() if w.startswith("--node_id=")]
                if process.name() == "raylet" and (number := int(ids[0][-5:])):
                    found[number] = process
        return found

    def kill_a_node(self) -> None:
        """Kills a node with all that it runs, as a spot instance goes."""
        raylet = next(iter(self.nodes().values()))
        for process in (raylet, *raylet.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


@contextlib.contextmanager
def growing_cluster(most_nodes: int, idle_seconds: float) -> Iterator[GrowingCluster]:
    """Yields a cluster whose head runs no trials.

    Args:
        most_nodes: Of one CPU each, beside the head; at first there is none.
        idle_seconds: After which a node that does nothing is ended.
    """
    port = free_port()
    address = f"{get_node_ip_address()}:{port}"
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    others = {k: v for k, v in os.environ.items() if k != ONE_NODE_ONLY}
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        config = Path(folder) / "autoscaling.yaml"
        config.write_text(yaml.safe_dump(_config(address, most_nodes, idle_seconds)))
        with (Path(folder) / "said").open("wb") as said:
            options = ("--num-cpus=0", f"--port={port}", "--include-dashboard=false", "--block")
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head"),
                    *(*options, f"--temp-dir={folder}", f"--object-store-memory={_STORE_BYTES}"),
                    f"--autoscaling-config={config}",
                ],
                env={**others, **_ENVIRONMENT, **token},
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_healthy(address, token, process, Path(folder) / "said")
            yield GrowingCluster(address, token, process)
        finally:
            _end(process)


def _wait_until_healthy(
    address: str, token: Mapping[str, str], process: subprocess.Popen[bytes], said: Path
) -> None:
    deadline = time.monotonic() + _START_SECONDS
    asking = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    knowing = {**os.environ, **token}
    while subprocess.run(asking, check=False, capture_output=True, env=knowing).returncode:
        is_starting = process.poll() is None and time.monotonic() < deadline
        assert is_starting, f"the head did not start:\n{said.read_text()}"
        time.sleep(0.5)


def _config(address: str, most_nodes: int, idle_seconds: float) -> dict[str, object]:
    worker = {"CPU": 1, "object_store_memory": _STORE_BYTES}
    return {
        "cluster_name": "growing",
        "max_workers": most_nodes,
        "provider": {
            "type": "external",  # for the provider's own type Ray's package lacks a file
            "module": f"{FakeMultiNodeProvider.__module__}.{FakeMultiNodeProvider.__name__}",
            "gcs_address": address,
            "head_node_id": FAKE_HEAD_NODE_ID,
            "launch_multiple": True,
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "available_node_types": {
            _HEAD: {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": {
                "resources": worker,
                "node_config": {},
                "min_workers": 0,
                "max_workers": most_nodes,
            },
        },
        "head_node_type": _HEAD,
        "auth": {},
        "docker": {},
        "file_mounts": {},
        "cluster_synced_files": [],
        "file_mounts_sync_continuously": False,
        "rsync_exclude": [],
        "rsync_filter": [],
        **{f"{what}_commands": [] for what in _COMMANDS},
        "upscaling_speed": 1.0,
        "idle_timeout_minutes": idle_seconds / 60,
    }


def _end(head: subprocess.Popen[bytes]) -> None:
    """Ends a head and all the nodes that it started, which would outlive it."""
    found: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(head.pid)
        for member in process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(word.endswith(_AUTOSCALER) for word in member.cmdline()):
                    member.suspend()  # it starts no further node
        found = process.children(recursive=True)
    head.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        head.wait(timeout=20)
    for member in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(found, timeout=20)
    head.kill()
    head.wait()
