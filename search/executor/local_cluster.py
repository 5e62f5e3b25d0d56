"""Starting Ray: on this machine's loopback alone, or joining a cluster that runs already."""

import contextlib
import gc
import logging
import math
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import ray

from search.errors import WorkersError
from search.executor.node_proof import prove_nodes
from search.models.own_code import importable, permission
from search.sections import ResourcesSection

# Ray starts a process per core before it is asked for any. Tune gives its trials an environment
# that these have not, so no trial could run in them.
_OF_RAY: Final = {"RAY_prestart_worker_first_driver": "0"}


@contextlib.contextmanager
def ray_started(
    resources: ResourcesSection, address: str | None, store: str, code: Path | None = None
) -> Iterator[None]:
    """Starts or joins Ray, and ends or leaves it.

    Args:
        resources: Of one trial, and the wanted number of workers.
        address: A running cluster, or None to start Ray on this machine, listening on 127.0.0.1.
        store: The search's. Every node of a cluster proves that it can use it.
        code: Folder of the user's modules, which workers may import then.

    Raises:
        WorkersError: If Ray does not start, or a node cannot use the store.
    """
    for name in ("ray", "ray.tune", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        settings = _OF_RAY | _worker_environment(resources)
        with _own_signals(), _environment(settings, address):
            ray.init(**_init_arguments(resources, address, code))
    except Exception as error:
        raise WorkersError(_refusal(address, error)) from error
    try:
        if address is not None:
            prove_nodes(store)
        yield
    finally:
        _shut_down()


def _shut_down() -> None:
    """Ends or leaves Ray while no garbage is collected.

    Importing MLflow, another thread collects what Tune has left; if it comes upon a reference of
    Ray's in the moment between Ray's end and Ray's own note of it, Ray ends the process at once.
    """
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        ray.shutdown()
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def _environment(settings: Mapping[str, str], address: str | None) -> Iterator[None]:
    """Has the processes of a Ray that is started here inherit an environment.

    Ray starts some workers at once, while others are still to import what they need, and these
    serve whoever asks for no environment of his own.
    """
    if address is not None:
        yield
        return
    kept = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


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


def _init_arguments(
    resources: ResourcesSection, address: str | None, code: Path | None
) -> dict[str, Any]:
    environment: dict[str, Any] = {}
    if address is not None:
        environment["env_vars"] = _worker_environment(resources)
    if code is not None:
        environment["py_modules"] = [str(path) for path in importable(code)]
        environment["env_vars"] = {**environment.get("env_vars", {}), **permission(code)}
    common = {
        "log_to_driver": False,
        "logging_level": logging.CRITICAL,
        "configure_logging": False,
        "runtime_env": environment,
    }
    if address is not None:
        return {**common, "address": address}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    wanted = math.ceil((resources.workers or 0) * resources.cpus)
    return {
        **common,
        "address": "local",  # whatever cluster RAY_ADDRESS names, or was started here before
        "num_cpus": max(cores or 1, wanted),
        # Ray would count the GPU -1, which processes that asked for none are told to see.
        **({} if resources.gpus else {"num_gpus": 0}),
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
    if resources.gpus:
        return {**settings, "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1"}
    return {**settings, "CUDA_VISIBLE_DEVICES": "-1"}


def _refusal(address: str | None, error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    if address is None:
        return f"Ray did not start: {text}."
    return f"Cannot join the Ray cluster at {address}: {text}."
