import subprocess
import sys

import numpy as np
import pytest

from vaemodels.building import build
from vaemodels.config import VAEConfig
from vaemodels.devices import release_memory, single_thread


def test_one_thread_may_be_asked_for_twice():
    np.asarray(build(VAEConfig((4, 4, 1), 2)).weights[0])
    single_thread()


def test_asking_too_late_is_refused():
    code = (
        "import tensorflow as tf; tf.constant(1) + 1\n"
        "from vaemodels.devices import single_thread\n"
        "try: single_thread()\n"
        "except ValueError as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Expected it before TensorFlow is first used" in result.stdout


@pytest.mark.parametrize("variant", ["vae", "ae"])
def test_models_in_use_survive_a_release(variant):
    vae = build(VAEConfig((4, 4, 1), 2, variant))
    images = np.full((3, 4, 4, 1), 0.5, dtype="float32")
    before = np.asarray(vae.reconstruct(images))
    release_memory()
    np.testing.assert_array_equal(vae.reconstruct(images), before)
