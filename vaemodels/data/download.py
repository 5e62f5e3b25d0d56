"""MNIST and Fashion-MNIST through Keras's own loaders, which download once and check what came."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from vaemodels.data.source import Source, check_images, check_labels

_LOADERS: Final = {"mnist": "mnist", "fashion-mnist": "fashion_mnist"}
_DOWNLOAD_SECONDS: Final = 900.0
_SCRIPT: Final = """
import sys
import numpy as np
from keras.datasets import {loader}
(x, y), (x_test, y_test) = {loader}.load_data()
np.savez(sys.argv[1], x=x, y=y, x_test=x_test, y_test=y_test)
"""


def read_keras_dataset(name: str, class_names: tuple[str, ...], remedy: str) -> Source:
    """Returns a data set that Keras downloads, or has kept since an earlier time.

    Keras runs in a process of its own: the caller loads no TensorFlow for it.

    Args:
        name: `mnist` or `fashion-mnist`.
        class_names: In the order of the labels.
        remedy: What to do without a network.

    Raises:
        FileNotFoundError: If there is no network, or what came is damaged; one line.
    """
    with tempfile.TemporaryDirectory(prefix="vaemodels-") as folder:
        file = Path(folder) / "images.npz"
        command = [sys.executable, "-c", _SCRIPT.format(loader=_LOADERS[name]), str(file)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        try:
            subprocess.run(
                command,
                check=True,
                capture_output=True,
                text=True,
                env=environment,
                timeout=_DOWNLOAD_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            cause = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise FileNotFoundError(f"Cannot download {name!r}: {cause}. {remedy}") from error
        except subprocess.TimeoutExpired as error:
            cause = f"it took over {_DOWNLOAD_SECONDS:.0f} s"
            raise FileNotFoundError(f"Cannot download {name!r}: {cause}. {remedy}") from error
        with np.load(file, allow_pickle=False) as arrays:
            images = np.concatenate([arrays["x"], arrays["x_test"]])
            labels = np.concatenate([arrays["y"], arrays["y_test"]])
            num_test = len(arrays["x_test"])
    images, scale = check_images(images, name)
    return Source(
        name, images, scale, check_labels(labels, len(images), name), class_names, num_test
    )
