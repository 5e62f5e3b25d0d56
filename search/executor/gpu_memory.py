"""How much of a GPU's memory a worker may take: its fraction, set before TensorFlow starts.

Ray's fractions only count processes; nothing keeps one of them from taking all the memory.
"""

import contextlib
import os
from collections.abc import Callable
from typing import Any, Final

from search.errors import WorkersError
from search.executor.node_stats import open_nvml
from search.gpu_fractions import BESIDE_MB

_LEAST_MB: Final = 256.0


def limit_of_process(gpus: float, open_library: Callable[[], Any] = open_nvml) -> float | None:
    """Returns how much GPU memory TensorFlow may take in this process.

    Args:
        gpus: What Ray has given the process: a fraction of one, or whole ones.
        open_library: Returns NVIDIA's library, None where there is none.

    Returns:
        In units of 2**20 bytes; None for no limit, which is right for whole GPUs.

    Raises:
        WorkersError: If the fraction is too small for anything, or the GPU's size is unknown.
    """
    if not 0 < gpus < 1:
        return None
    name = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    total = _total_mb(open_library(), name)
    if total is None:
        raise WorkersError(
            f"Cannot read the memory of GPU {name}, and so not limit this worker to {gpus:g} of "
            "it. Install NVIDIA's driver with NVML on the node, or ask for whole GPUs."
        )
    limit = total * gpus - BESIDE_MB
    if limit < _LEAST_MB:
        least = (BESIDE_MB + _LEAST_MB) / total
        raise WorkersError(
            f"`gpus: {gpus:g}` of a GPU with {total:,.0f} MB leaves no room for a model beside "
            f"CUDA's own {BESIDE_MB:.0f} MB. Write at least `gpus: {least:.2f}`."
        )
    return limit


def limit_this_process(gpus: float) -> None:
    """Keeps this process to its part of a GPU that it shares; before TensorFlow has started.

    Args and errors as `limit_of_process`.
    """
    limit = limit_of_process(gpus)
    if limit is not None:
        from search.models.gpu_memory import limit_gpu_memory

        limit_gpu_memory(limit)


def gpu_size() -> float | None:
    """Returns the memory of this process's GPU in units of 2**20 bytes, None if there is none."""
    return _total_mb(open_nvml(), os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0])


def _total_mb(nvml: Any, name: str) -> float | None:
    """Returns the memory of a GPU by its number or identifier, None if it cannot be read."""
    if nvml is None:
        return None
    with contextlib.suppress(nvml.NVMLError, ValueError):
        is_number = name.isdigit()
        find = nvml.nvmlDeviceGetHandleByIndex if is_number else nvml.nvmlDeviceGetHandleByUUID
        handle = find(int(name) if is_number else name)
        return float(nvml.nvmlDeviceGetMemoryInfo(handle).total) / 2**20
    return None
