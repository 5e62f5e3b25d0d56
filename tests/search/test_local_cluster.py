"""What the processes of a Ray that a driver starts are told, and the driver is not."""

import os
from pathlib import Path

import pytest
import ray

from search.executor.local_cluster import ray_started
from search.sections import ResourcesSection

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
