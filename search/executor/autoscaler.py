"""What Ray's autoscaler says, where a cluster has one that starts nodes for what waits.

Clusters whose nodes are started by hand have none, and its first version (Ray's older one, which
says nothing of what it can never start) counts as none.
"""

import contextlib
from typing import Any

import ray._private.worker
import ray.core.generated.autoscaler_pb2

from search.sections import ResourcesSection


def can_grow() -> bool:
    """Returns whether the cluster that this process has joined starts nodes for what waits."""
    return _state() is not None


def is_hopeless(resources: ResourcesSection) -> bool:
    """Returns whether a request for a trial's resources waits that no node could ever meet."""
    state = _state()
    wanted = (resources.cpus, resources.gpus)
    return state is not None and any(
        (asked.get("CPU", 0.0), asked.get("GPU", 0.0)) == wanted
        for asked in (item.resources_bundle for item in state.infeasible_resource_requests)
    )


def _state() -> Any:
    """Returns what the autoscaler reported last, None if there is none."""
    with contextlib.suppress(Exception):  # Ray's own, and not public: without it, no growth
        formats: Any = ray.core.generated.autoscaler_pb2
        worker: Any = ray._private.worker.global_worker
        reply = formats.GetClusterStatusReply()
        reply.ParseFromString(worker.gcs_client.get_cluster_status())
        if reply.HasField("autoscaling_state"):
            return reply.autoscaling_state
    return None
