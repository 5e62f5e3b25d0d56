"""Studies, trials and records to test with: small, and complete without Keras."""

from typing import Any

from search.assignment import Round
from search.config import StudyConfig
from search.study.reader import SearchRecord
from search.trial import Measurement, Trial, TrialState

SPACE = {
    "latent_dim": {"type": "int", "low": 2, "high": 16},
    "beta": {"type": "float", "low": 0.01, "high": 1.0, "log": True},
}


def study_values(**changes: Any) -> dict[str, Any]:
    """Returns a study file as plain values."""
    values: dict[str, Any] = {"name": "tiny", "dataset": "digits", "space": SPACE}
    return {**values, "budget": {"trials": 3, "epochs": 2}, "sampler": "random", **changes}


def make_study(**changes: Any) -> StudyConfig:
    """Returns the checked study of `study_values`."""
    return StudyConfig.model_validate(study_values(**changes))


def make_trial(
    number: int = 0,
    fids: tuple[float, ...] = (5.0,),
    tvds: tuple[float, ...] | None = None,
    state: TrialState = TrialState.COMPLETE,
    **changes: Any,
) -> Trial:
    """Returns a trial that measured FID, and TVD a tenth of it, after each of its epochs."""
    pairs = zip(fids, tvds or [fid / 10 for fid in fids], strict=True)
    measurements = tuple(
        Measurement(epoch, {"fid": fid, "tvd": tvd}, float(epoch))
        for epoch, (fid, tvd) in enumerate(pairs, start=1)
    )
    params = {"latent_dim": 8, "beta": 0.1}
    values = {"params": params, "measurements": measurements, "num_attempts": 1, **changes}
    return Trial(number, state=state, **values)


def make_record(config: StudyConfig | None = None, **prepared: Any) -> SearchRecord:
    """Returns the record of a search; keywords are what its first run prepared."""
    config = config or make_study()
    return SearchRecord("id", config.name, config, {}, 0.0, prepared or None)


def one_epoch(outcome=None, reason=None, epoch=1, attempt=1):
    """What a worker reports of one epoch."""
    return Round([Measurement(epoch, {"fid": 1.0, "tvd": 0.1}, 1.0, attempt)], outcome, reason)
