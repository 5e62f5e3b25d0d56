"""What TensorFlow may use of a machine, and giving back what it holds."""

import gc
import os

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
