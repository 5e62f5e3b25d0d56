"""What TensorFlow may use of a machine, and giving back what it holds."""

import contextlib
import gc
import os
import resource
import sys
from pathlib import Path

import keras
import tensorflow as tf


def single_thread() -> None:
    """Makes this process compute with one thread. Call it before TensorFlow is used.

    One process per core with one thread each beats one process with many threads at this size,
    and results of one thread repeat bit for bit.

    Raises:
        ValueError: If TensorFlow already runs with more threads.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    threading = tf.config.threading
    try:
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        counts = (
            threading.get_intra_op_parallelism_threads(),
            threading.get_inter_op_parallelism_threads(),
        )
        if counts != (1, 1):
            raise ValueError(
                "Invalid call of `single_thread`. Expected it before TensorFlow is first used. "
                f"Received: (intra, inter) threads={counts}. Call it earlier."
            ) from error


def release_memory() -> None:
    """Frees what models that are gone leave behind. Call it between trainings in one process.

    Keras and TensorFlow keep names and graphs of every model, about 0.4 MB each, and reference
    cycles hold dropped trainers until the garbage collector comes by. Models still in use go on.
    """
    keras.backend.clear_session(free_memory=False)
    gc.collect()


def forget_peak_memory() -> None:
    """Makes `peak_memory` count from now on, where the system allows that."""
    with contextlib.suppress(OSError):  # there is no such file but on Linux
        Path("/proc/self/clear_refs").write_text("5")
    for gpu in _gpus():
        with contextlib.suppress(ValueError, tf.errors.OpError):
            tf.config.experimental.reset_memory_stats(gpu)


def peak_memory() -> dict[str, float]:
    """Returns the most memory that this process had in use at once, in units of 2**20 bytes.

    `peak_memory_mb` is the host's; `peak_gpu_memory_mb`, where the process has GPUs, that of the
    fullest of them, as TensorFlow counts it.
    """
    found = {"peak_memory_mb": _peak_host_bytes() / 2**20}
    peaks = []
    for gpu in _gpus():
        with contextlib.suppress(ValueError, tf.errors.OpError):
            peaks.append(tf.config.experimental.get_memory_info(gpu)["peak"])
    return found | ({"peak_gpu_memory_mb": max(peaks) / 2**20} if peaks else {})


def _gpus() -> list[str]:
    return [
        device.name.removeprefix("/device:") for device in tf.config.list_logical_devices("GPU")
    ]


def _peak_host_bytes() -> int:
    # Linux first: the other one never goes down, and a worker trains many models.
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
