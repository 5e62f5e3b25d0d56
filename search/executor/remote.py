"""Doing one thing in a worker process: the driver stays small and loads no TensorFlow."""

from collections.abc import Callable
from typing import Any, Final

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search.errors import WorkersError
from search.executor.gpu_memory import limit_this_process
from search.sections import ResourcesSection

_WAIT_SECONDS: Final = 0.5


def remotely(
    resources: ResourcesSection,
    is_stopping: Callable[[], bool],
    function: Callable[..., Any],
    *arguments: Any,
) -> Any:
    """Returns `function(*arguments)` from a worker process, None if stopped meanwhile.

    Raises:
        WorkersError: If the process died.
    """
    task = ray.remote(_limited).options(
        num_cpus=1, num_gpus=resources.gpus, label_selector=resources.labels or None
    )
    return _answer(task.remote(resources.gpus, function, *arguments), function, is_stopping)


def remotely_here(
    is_stopping: Callable[[], bool], function: Callable[..., Any], *arguments: Any
) -> Any:
    """As `remotely`, from a process on this machine, even where no trials run: it should do no
    more than handle files."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    task = ray.remote(function).options(num_cpus=0, scheduling_strategy=here)
    return _answer(task.remote(*arguments), function, is_stopping)


def _limited(gpus: float, function: Callable[..., Any], *arguments: Any) -> Any:
    """Runs in the worker, which keeps to its part of a GPU."""
    limit_this_process(gpus)
    return function(*arguments)


def _answer(reference: Any, function: Callable[..., Any], is_stopping: Callable[[], bool]) -> Any:
    try:
        while not ray.wait([reference], timeout=_WAIT_SECONDS)[0]:
            if is_stopping():
                ray.cancel(reference, force=True)
                return None
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise (error.cause if isinstance(error.cause, Exception) else error) from error
    except ray.exceptions.RayError as error:
        raise WorkersError(
            f"The process of `{function.__name__.strip('_')}` died: {error}. Is the memory full? "
            "The same command tries again."
        ) from error
