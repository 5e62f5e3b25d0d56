"""What every benchmark prints and measures by: the machine, versions, medians with their spread."""

import contextlib
import importlib.metadata
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np

_PACKAGES = ("ray", "optuna", "keras", "tensorflow", "mlflow", "numpy")


def machine(packages: Sequence[str] = _PACKAGES) -> str:
    """Returns one line: the date, the processor, its cores, Python and the packages' versions."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{date.today()}, {_processor()}, {cores} cores, Python {platform.python_version()}, "
        f"{versions}"
    )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def one_thread() -> None:
    """Has TensorFlow, BLAS and OpenMP use one thread, and no GPU, if they are not imported yet."""
    os.environ |= {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }


def seconds_of(action: Callable[[], object]) -> float:
    """Returns how long a call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_turns(actions: Sequence[Callable[[], float]], rounds: int) -> list[list[float]]:
    """Returns what actions return, called in turns: a machine that slows down slows all of them.

    Args:
        actions: Each returns a figure.
        rounds: How often all are called.
    """
    found: list[list[float]] = [[] for _ in actions]
    for _ in range(rounds):
        for action, figures in zip(actions, found, strict=True):
            figures.append(action())
    return found


def ratios(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    """Returns one figure in proportion to the other, round by round."""
    return [one / other for one, other in zip(ones, others, strict=True)]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Returns the median and, in brackets, the quartiles; `inf` where they are not finite."""
    low, middle, high = np.quantile(np.asarray(values), (0.25, 0.5, 0.75), method="nearest")
    return f"{middle:,.{digits}f} [{low:,.{digits}f}, {high:,.{digits}f}]"


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Returns a table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


@contextlib.contextmanager
def quiet_ray() -> Iterator[None]:
    """Starts a Ray of this machine alone, as our executor does, and ends it."""
    import search.executor  # noqa: F401 - sets Ray up before it is imported

    import ray  # isort: skip

    ray.init(
        address="local",
        include_dashboard=False,
        log_to_driver=False,
        logging_level="CRITICAL",
        _node_ip_address="127.0.0.1",
    )
    try:
        yield
    finally:
        ray.shutdown()
