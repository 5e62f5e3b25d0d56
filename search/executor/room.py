"""Waiting until a trial fits on a node of the cluster."""

import time
from collections.abc import Callable
from typing import Any, Final

import ray

from search.errors import WorkersError
from search.executor.autoscaler import can_grow, is_hopeless
from search.executor.slots import Slots, fits
from search.sections import ResourcesSection

_JOIN_SECONDS: Final = 120.0  # for the nodes of a cluster that has just been started
_GROW_SECONDS: Final = 1800.0  # for a machine that has to be rented first


def wait_for_room(
    resources: ResourcesSection,
    slots: Slots,
    say: Callable[[str], None],
    is_stopping: Callable[[], bool],
) -> bool:
    """Waits for a node that takes a trial; a cluster that can grow is asked for one.

    Args:
        resources: Of one trial.
        slots: Says whether the cluster is one that others use, or this machine alone.
        say: Called with a sentence if there is something to wait for.
        is_stopping: Asked all the time: whether to wait no longer.

    Returns:
        Whether there is room; False if stopped meanwhile.

    Raises:
        WorkersError: If no node takes one, and none can come.
    """
    deadline = time.monotonic() + (_JOIN_SECONDS if slots.is_shared else 0.0)
    asked: Any = None  # held until there is room: what waits makes a cluster grow
    while not fits(resources):
        if is_stopping():
            return False
        if asked is None and can_grow():
            say("waiting for the cluster to start a node")
            asked = _ask_for_room(resources)
            deadline += _GROW_SECONDS
        if time.monotonic() >= deadline or (asked is not None and is_hopeless(resources)):
            raise WorkersError(_no_room(resources))
        time.sleep(1.0)
    return True


def _ask_for_room(resources: ResourcesSection) -> Any:
    """Has something wait that needs what a trial needs, and does nothing."""
    task = ray.remote(int).options(
        num_cpus=resources.cpus,
        num_gpus=resources.gpus,
        label_selector=resources.labels or None,
    )
    return task.remote()


def _no_room(resources: ResourcesSection) -> str:
    available = ray.cluster_resources()
    labels = "".join(f", {key}={value}" for key, value in resources.labels.items())
    return (
        f"No trial fits on any node: it takes {resources.cpus:g} CPUs and {resources.gpus:g} GPUs"
        f"{labels}; Ray has {available.get('CPU', 0):g} CPUs and {available.get('GPU', 0):g} GPUs "
        "in all. Lower `resources` in the study file, or add nodes."
    )
