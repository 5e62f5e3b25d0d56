"""Parts of a GPU: how much memory a worker gets, from readings of real cards."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from search.errors import WorkersError
from search.executor.gpu_memory import limit_of_process
from search.gpu_fractions import GPU_MEMORY, fraction_advice, suggested_fraction
from search.study.reader import Event
from tests.search.examples import make_study

# As NVML reports them, in bytes.
H100_80GB = 85_520_809_984
T4_16GB = 16_106_127_360
GTX_4GB = 4_294_967_296


class Library:
    """NVIDIA's library with recorded answers."""

    class NVMLError(Exception):
        pass

    def __init__(self, *totals: int):
        self._totals = totals

    def nvmlDeviceGetHandleByIndex(self, index):
        if index >= len(self._totals):
            raise self.NVMLError("Invalid Argument")
        return index

    def nvmlDeviceGetHandleByUUID(self, name):
        if name != "GPU-8f6d":
            raise self.NVMLError("Not Found")
        return len(self._totals) - 1

    def nvmlDeviceGetMemoryInfo(self, handle):
        return SimpleNamespace(total=self._totals[handle])


@pytest.fixture(autouse=True)
def first_gpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")


# Of a GPU that is not there TensorFlow keeps all settings, up to the moment of its start.
TAKEN = """
import json

import tensorflow as tf
from tensorflow.python.eager import context

from search.models.gpu_memory import limit_gpu_memory

tf.config.list_physical_devices()
gpu = context.PhysicalDevice("/physical_device:GPU:0", "GPU")
for devices in (context.context()._physical_devices, context.context()._visible_device_list):
    devices.append(gpu)
context.context()._memory_growth_map[gpu] = None
limit_gpu_memory(1234.6)
(part,) = tf.config.get_logical_device_configuration(gpu)
(told,) = context.context().config.gpu_options.experimental.virtual_devices
tf.constant(1.0)  # starts it
try:
    limit_gpu_memory(2000)
    late = ""
except RuntimeError as error:
    late = str(error)
print(json.dumps({"part": part.memory_limit, "told": list(told.memory_limit_mb), "late": late}))
"""


def test_tensorflow_takes_the_limit_before_it_starts_and_not_after():
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", TAKEN]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    taken = json.loads(done.stdout)
    assert (taken["part"], taken["told"]) == (1234, [1234])
    assert "cannot be modified after being initialized" in taken["late"]


class TestLimit:
    @pytest.mark.parametrize("gpus", [0, 1, 2])
    def test_nothing_and_whole_gpus_have_none(self, gpus):
        assert limit_of_process(gpus, lambda: Library(H100_80GB)) is None

    def test_all_parts_and_what_cuda_takes_fit_on_the_gpu(self):
        limit = limit_of_process(0.1, lambda: Library(H100_80GB))
        assert limit == pytest.approx(81559 * 0.1 - 700, abs=1)
        assert 10 * (limit + 700) <= H100_80GB / 2**20

    def test_the_own_gpu_is_read(self, monkeypatch):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
        limit = limit_of_process(0.5, lambda: Library(H100_80GB, T4_16GB))
        assert limit == pytest.approx(T4_16GB / 2**21 - 700)

    def test_a_gpu_may_be_named_by_its_identifier(self, monkeypatch):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-8f6d")
        assert limit_of_process(0.5, lambda: Library(T4_16GB)) == pytest.approx(6980)

    def test_a_part_that_holds_nothing_is_refused(self):
        with pytest.raises(WorkersError, match=r"`gpus: 0.1` of a GPU with 4,096 MB.*gpus: 0.23"):
            limit_of_process(0.1, lambda: Library(GTX_4GB))

    @pytest.mark.parametrize("library", [None, Library()])
    def test_a_gpu_that_cannot_be_read_is_not_shared(self, library):
        with pytest.raises(WorkersError, match="Cannot read the memory of GPU 0"):
            limit_of_process(0.5, lambda: library)


class TestSuggestion:
    @pytest.mark.parametrize(
        ("peak", "total", "fraction"),
        [(3000, 81559, 0.06), (200, 81559, 0.02), (20_000, 16_000, 1.0), (10_000, 16_000, 0.83)],
    )
    def test_it_holds_the_peak(self, peak, total, fraction):
        found = suggested_fraction(peak, total)
        assert found == pytest.approx(fraction)
        assert found == 1.0 or found * total >= peak * 1.25 + 700


class TestAdvice:
    EVENTS = (Event(0.0, GPU_MEMORY, {"mb": 81559.0}),)

    def advice(self, gpus: float, events=EVENTS, **metrics: float) -> str | None:
        trial = SimpleNamespace(measurements=[SimpleNamespace(metrics=metrics)])
        config = make_study(resources={"gpus": gpus})
        return fraction_advice(config, [trial], events)

    def test_a_smaller_part_is_suggested(self):
        text = self.advice(0.25, peak_gpu_memory_mb=3000.0)
        assert text == (
            "Trials used at most 3,000 MB of a GPU with 81,559 MB: `gpus: 0.06` would do, in place "
            "of 0.25."
        )

    def test_a_larger_part_is_suggested_where_trials_needed_more(self):
        text = self.advice(0.05, peak_gpu_memory_mb=6000.0)
        assert text == (
            "Trials used at most 6,000 MB of a GPU with 81,559 MB, more than `gpus: 0.05` gives "
            "them; `gpus: 0.11` would do."
        )

    @pytest.mark.parametrize("gpus", [0, 0.05, 2])
    def test_nothing_where_nothing_is_won(self, gpus):
        assert self.advice(gpus, peak_gpu_memory_mb=3000.0) is None

    def test_nothing_where_nothing_is_known(self):
        assert self.advice(0.25) is None
        assert self.advice(0.25, events=(), peak_gpu_memory_mb=3000.0) is None
