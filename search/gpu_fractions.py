"""Which part of a GPU a trial needs, by the most memory that trials have used so far."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from search.config import StudyConfig
from search.trial import Trial

if TYPE_CHECKING:  # a worker, which reads no study, should not wait for SQLAlchemy
    from search.study.reader import Event

# What CUDA takes for every process beside TensorFlow's own pool: context, kernels, cuDNN.
BESIDE_MB: Final = 700.0
GPU_MEMORY: Final = "gpu memory"  # an event: how much a GPU of the cluster has, under `mb`


def suggested_fraction(peak_mb: float, total_mb: float) -> float:
    """Returns the smallest fraction, in hundredths, that holds a peak with a quarter to spare."""
    hundredths = -(-(peak_mb * 1.25 + BESIDE_MB) * 100 // total_mb)
    return min(1.0, max(1.0, hundredths) / 100)


def fraction_advice(
    config: StudyConfig, trials: Sequence[Trial], events: Sequence["Event"]
) -> str | None:
    """Returns one line that suggests another fraction of a GPU; None if nothing is known or won.

    Args:
        config: The study file.
        trials: All of the search.
        events: Its history, which says how large the GPUs are.
    """
    sizes = [event.details["mb"] for event in events if event.kind == GPU_MEMORY]
    peaks = [
        m.metrics["peak_gpu_memory_mb"]
        for trial in trials
        for m in trial.measurements
        if "peak_gpu_memory_mb" in m.metrics
    ]
    if not sizes or not peaks or not 0 < config.resources.gpus <= 1:
        return None
    fraction = suggested_fraction(max(peaks), sizes[-1])
    text = f"Trials used at most {max(peaks):,.0f} MB of a GPU with {sizes[-1]:,.0f} MB"
    given = config.resources.gpus
    if fraction < given:
        return f"{text}: `gpus: {fraction:g}` would do, in place of {given:g}."
    if given < 1 and max(peaks) > sizes[-1] * given - BESIDE_MB:  # one that was tried again alone
        return f"{text}, more than `gpus: {given:g}` gives them; `gpus: {fraction:g}` would do."
    return None
