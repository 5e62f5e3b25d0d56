"""What the processes of a Ray that a driver starts are told, and the driver is not."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import ray

from search.executor.local_cluster import _init_arguments, ray_started
from search.sections import ResourcesSection
from tests.ray_nodes import ROOT

NAMES = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "CUDA_VISIBLE_DEVICES")


def read() -> list[str | None]:
    return [os.environ.get(name) for name in NAMES]


@pytest.mark.slow
def test_workers_keep_to_their_cores_and_see_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with ray_started(ResourcesSection(workers=1, cpus=2), None, str(tmp_path)):
        assert ray.get(ray.remote(read).remote()) == ["2", "2", "-1"]
        assert read() == ["7", None, None]


@pytest.mark.slow
def test_processes_that_asked_for_no_gpu_see_none_beside_those_that_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a GPU that is there for Ray alone: nothing here opens it."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("search.executor.local_cluster._init_arguments", _with_a_gpu)
    with ray_started(ResourcesSection(workers=1, gpus=0.5), None, str(tmp_path)):
        task = ray.remote(read)
        seen = ray.get([task.remote(), task.options(num_gpus=0.5).remote()])
    assert [names[2] for names in seen] == ["", "0"]


def _with_a_gpu(*arguments: Any) -> dict[str, Any]:
    return {**_init_arguments(*arguments), "num_gpus": 1}


GARBAGE = """
import gc, sys, threading, time
import ray
from search.executor.local_cluster import ray_started
from search.sections import ResourcesSection

def collect():
    while ray.is_initialized():
        time.sleep(0.0001)
    while True:
        gc.collect()

gc.disable()
with ray_started(ResourcesSection(workers=1), None, sys.argv[1]):
    for _ in range(5000):
        loop = [ray.put(1)]
        loop.append(loop)
    threading.Thread(target=collect, daemon=True).start()
print("in peace", flush=True)
"""


@pytest.mark.slow
def test_a_thread_that_collects_garbage_while_ray_ends_does_not_end_the_process(
    tmp_path: Path,
) -> None:
    """Without our care Ray usually ends it, with status 1."""
    command = [sys.executable, "-c", GARBAGE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert (done.returncode, done.stdout.strip()) == (0, "in peace"), done.stdout + done.stderr
