"""Preparing images and judge: on this machine as they are, on a cluster by way of the store."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import ray

from search.config import StudyConfig
from search.executor.remote import remotely, remotely_here
from search.work import Work
from search.workspace import Workspace

_LOOPBACK: Final = "127.0.0.1"


def spans_machines() -> bool:
    """Returns whether Ray has workers that may be on other machines than this one."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    return len(nodes) > 1 or any(node["NodeManagerAddress"] != _LOOPBACK for node in nodes)


def prepare(
    work: Work,
    config: StudyConfig,
    place: tuple[str, Workspace],
    known: Mapping[str, Any] | None,
    is_shared: bool | None,
    is_stopping: Callable[[], bool],
) -> Any:
    """Returns what `Work.prepare` does, None if stopped meanwhile.

    Args:
        work: What the workers do.
        config: The study file.
        place: The folder of the images, and the workspace.
        known: What was stored with the search as `prepared`; None if it has just begun.
        is_shared: Whether workers do not see this machine's folders, so that what they need goes
            through the store; None: as `spans_machines` finds.
        is_stopping: Asked while waiting.

    Raises:
        SearchError: If something cannot be used.
    """
    dataset_folder, workspace = place
    arguments = (config, dataset_folder, workspace.cache)
    is_shared = spans_machines() if is_shared is None else is_shared
    if not is_shared or work.publish is None or work.prepare_shared is None:
        if is_stopping():
            return None
        found = work.kept(*arguments)
        return found or remotely(config.resources, is_stopping, work.prepare, *arguments)
    sources = remotely_here(is_stopping, work.publish, *arguments, workspace.store(config))
    if sources is None:
        return None
    extractor = (known or {}).get("extractor_hash")
    return remotely(config.resources, is_stopping, work.prepare_shared, config, sources, extractor)
