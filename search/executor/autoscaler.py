"""Ray's autoscaler, where a cluster has one that starts nodes for what waits: asking it for more.

Only the second version counts, which says what it cannot start. A cluster whose nodes are started
by hand has none, or one that starts nothing: to wait for it does no harm.
"""

import contextlib
from typing import Any, Final, final

import ray

from search.sections import ResourcesSection

_ANSWER_SECONDS: Final = 5.0


@final
class Wish:
    """Requests for room that wait inside of Ray: these make a cluster grow.

    Each is for what a trial needs, and does nothing: it takes no place from another search's trial
    for longer than a moment.

    Args:
        resources: Of one trial.
    """

    def __init__(self, resources: ResourcesSection):
        self._task = ray.remote(_nothing).options(
            num_cpus=resources.cpus,
            num_gpus=resources.gpus,
            label_selector=resources.labels or None,
            max_retries=0,
        )
        self._waiting: list[Any] = []

    def hold(self, num: int) -> None:
        """Has so many requests wait; those that were met are made again."""
        if self._waiting:
            _, self._waiting = ray.wait(
                self._waiting, num_returns=len(self._waiting), timeout=0, fetch_local=False
            )
        for reference in self._waiting[num:]:
            ray.cancel(reference)
        self._waiting = self._waiting[:num]
        self._waiting += [self._task.remote() for _ in range(num - len(self._waiting))]


def _nothing() -> None:
    pass


def can_grow() -> bool:
    """Returns whether the cluster that this process has joined may start nodes for what waits."""
    return _state() is not None


def is_hopeless(resources: ResourcesSection) -> bool:
    """Returns whether a request for a trial's resources waits that no node can meet as things are,
    and no node is on its way."""
    state = _state()
    if state is None or state.pending_instances or state.pending_instance_requests:
        return False
    wanted = (round(resources.cpus, 4), round(resources.gpus, 4), dict(resources.labels))
    return any(_asked(request) == wanted for request in state.infeasible_resource_requests)


def _asked(request: Any) -> tuple[float, float, dict[str, str]]:
    """Returns what a request wants: CPUs, GPUs (to Ray's ten-thousandths) and labels."""
    bundle = request.resources_bundle
    cpus, gpus = (round(bundle[name], 4) if name in bundle else 0.0 for name in ("CPU", "GPU"))
    labels = {
        each.label_key: next(iter(each.label_values), "")
        for selector in request.label_selectors
        for each in selector.label_constraints
    }
    return cpus, gpus, labels


def _state() -> Any:
    """Returns what the autoscaler reported last, None if there is none."""
    with contextlib.suppress(Exception):  # Ray's own, and not public: without it, no growth
        import ray.core.generated.autoscaler_pb2 as formats

        worker: Any = ray._private.worker.global_worker
        reply: Any = formats.GetClusterStatusReply()  # type: ignore[attr-defined]
        answer = worker.gcs_client.get_cluster_status(timeout_s=_ANSWER_SECONDS)
        reply.ParseFromString(answer)
        if reply.HasField("autoscaling_state"):
            return reply.autoscaling_state
    return None
