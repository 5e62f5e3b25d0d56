"""What TensorFlow may take of a GPU: a hard limit, set before it starts."""

import tensorflow as tf


def limit_gpu_memory(megabytes: float) -> None:
    """Gives TensorFlow so much of each GPU of this process and no more.

    A model that needs more fails with an error of its own, and not that of another process.

    Args:
        megabytes: In units of 2**20 bytes.

    Raises:
        RuntimeError: If TensorFlow has started already.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        limited = tf.config.LogicalDeviceConfiguration(memory_limit=int(megabytes))
        tf.config.set_logical_device_configuration(gpu, [limited])
