"""Waiting until a trial fits on a node of the cluster."""

import time
from collections.abc import Callable
from typing import Final

import ray

from search.errors import WorkersError
from search.executor.autoscaler import Wish, can_grow, is_hopeless
from search.executor.slots import Slots, fits
from search.sections import ResourcesSection

_JOIN_SECONDS: Final = 120.0  # for the nodes of a cluster that has just been started
_GROW_SECONDS: Final = 1800.0  # for a machine that has to be rented first
_PAUSE_SECONDS: Final = 1.0


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
        WorkersError: If no node takes one, and none comes within two minutes; half an hour where
            the cluster can grow.
    """
    began = time.monotonic()
    seconds = _JOIN_SECONDS if slots.is_shared else 0.0
    wish: Wish | None = None
    while not fits(resources):
        if is_stopping():
            return False
        if wish is None and can_grow():
            say("waiting for the cluster to start a node")
            wish = Wish(resources)
            wish.hold(1)
        waited = time.monotonic() - began
        is_growing = wish is not None and waited < _GROW_SECONDS and not is_hopeless(resources)
        if waited >= seconds and not is_growing:
            raise WorkersError(_no_room(resources))
        time.sleep(_PAUSE_SECONDS)
    if wish is not None:
        wish.hold(0)
    return True


def _no_room(resources: ResourcesSection) -> str:
    available = ray.cluster_resources()
    labels = "".join(f", {key}={value}" for key, value in resources.labels.items())
    return (
        f"No trial fits on any node: it takes {resources.cpus:g} CPUs and {resources.gpus:g} GPUs"
        f"{labels}; Ray has {available.get('CPU', 0):g} CPUs and {available.get('GPU', 0):g} GPUs "
        "in all. Lower `resources` in the study file, or add nodes."
    )
