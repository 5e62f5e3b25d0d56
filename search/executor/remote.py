"""Doing one thing in a worker process: the driver stays small and loads no TensorFlow."""

from collections.abc import Callable
from typing import Any, Final

import ray

from search.errors import WorkersError
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
    task = ray.remote(function).options(num_cpus=1, num_gpus=resources.gpus)
    reference = task.remote(*arguments)
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
