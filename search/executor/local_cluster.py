"""Starting Ray: on this machine's loopback alone, or joining a cluster that runs already."""

import contextlib
import logging
import math
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import ray

from search.errors import WorkersError
from search.sections import ResourcesSection


@contextlib.contextmanager
def ray_started(resources: ResourcesSection, address: str | None = None) -> Iterator[int]:
    """Starts or joins Ray, and ends or leaves it. Yields how many trials can run at once.

    Args:
        resources: Of one trial, and the wanted number of workers.
        address: A running cluster, or None to start Ray on this machine, listening on 127.0.0.1.

    Raises:
        WorkersError: If Ray does not start, or no node can take a trial.
    """
    for name in ("ray", "ray.tune", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with _own_signals():
            ray.init(**_init_arguments(resources, address))
    except Exception as error:
        raise WorkersError(f"Ray did not start: {' '.join(str(error).split())[:300]}.") from error
    try:
        yield _num_workers(ray.cluster_resources(), resources)
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keeps the handlers of signals: Ray sets others, in Python and below it, and would have a
    SIGTERM end the process at once."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.getsignal(number) for number in numbers}
    yield
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _init_arguments(resources: ResourcesSection, address: str | None) -> dict[str, Any]:
    common = {
        "log_to_driver": False,
        "logging_level": logging.CRITICAL,
        "configure_logging": False,
        "runtime_env": {"env_vars": _worker_environment(resources)},
    }
    if address is not None:
        return {**common, "address": address}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    wanted = math.ceil((resources.workers or 0) * resources.cpus)
    return {
        **common,
        "address": "local",  # whatever cluster RAY_ADDRESS names, or was started here before
        "num_cpus": max(cores or 1, wanted),
        "include_dashboard": False,
        "_node_ip_address": "127.0.0.1",
    }


def _worker_environment(resources: ResourcesSection) -> dict[str, str]:
    """Returns the environment of workers: set before TensorFlow reads it."""
    threads = str(max(1, int(resources.cpus)))
    settings = {
        "OMP_NUM_THREADS": threads,
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    # Ray leaves every GPU visible to a process that asked for none; TensorFlow would take them all.
    return settings if resources.gpus else {**settings, "CUDA_VISIBLE_DEVICES": "-1"}


def _num_workers(available: dict[str, float], resources: ResourcesSection) -> int:
    slots = available.get("CPU", 0) / resources.cpus
    if resources.gpus:
        slots = min(slots, available.get("GPU", 0) / resources.gpus)
    if slots < 1:
        raise WorkersError(
            f"No trial fits: it takes {resources.cpus:g} CPUs and {resources.gpus:g} GPUs, Ray has "
            f"{available.get('CPU', 0):g} CPUs and {available.get('GPU', 0):g} GPUs. "
            "Lower `resources` in the study file."
        )
    return min(int(slots), resources.workers or int(slots))
