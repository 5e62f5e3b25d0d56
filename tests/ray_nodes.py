"""Ray nodes that see other files than the rest of this machine, as other machines would."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import pytest
import ray
from ray._private import ray_constants
from ray.cluster_utils import Cluster

ROOT = Path(__file__).parents[1]
_SECONDS = 60.0
ONE_NODE_ONLY = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # set by our executor for local searches


def need_own_mounts() -> None:
    """Skips a test where this process may not give another one mounts of its own."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "--mount", "true"], check=False).returncode:
        pytest.skip("nodes with mounts of their own need root and `unshare`")


@contextlib.contextmanager
def open_cluster(num_cpus: float = 0) -> Iterator[Cluster]:
    """Yields a cluster that other machines could join, with a head of so many CPUs.

    Ray reads when it is imported whether its nodes are reached by this machine alone, as our
    executor wants it for local searches: what it read depends on what else a process has collected.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ray_constants, "ENABLE_RAY_CLUSTER", True)
        patched.delenv(ONE_NODE_ONLY, raising=False)
        patched.setenv("PYTHONPATH", str(ROOT))
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": num_cpus})
        try:
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


@contextlib.contextmanager
def other_machine(
    address: str, mounts: str, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yields the id of a node of one CPU that joined a cluster, in a process with own mounts.

    Args:
        address: Of an `open_cluster`, which this process has joined.
        mounts: Shell commands that make them.
        environment: In addition to this process's.
    """
    known = {node["NodeID"] for node in ray.nodes()}
    start = f"exec {sys.executable} -m ray.scripts.scripts start --address={address}"
    said = tempfile.TemporaryFile()
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-ec", f"{mounts}\n{start} --num-cpus=1 --block"],
        env={**os.environ, **(environment or {})},
        stdout=said,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield _new_node(known, process, said)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _new_node(known: set[str], process: subprocess.Popen[bytes], said: IO[bytes]) -> str:
    deadline = time.monotonic() + _SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        if new := alive - known:
            return new.pop()
        time.sleep(0.2)
    said.seek(0)
    raise AssertionError(f"the node did not join; it said: {said.read().decode()}")
