"""Early stopping with real Ray, real trainings and a real kill."""

import json

import pytest

from search.early_stopping import make_early_stopping
from search.trial import TrialState
from tests.running import finished, reader, running, share_cache, wait_until

pytestmark = pytest.mark.slow

STUDY = """
name: small
dataset: digits
space:
  latent_dim: {type: int, low: 2, high: 8}
  beta: {type: float, low: 0.01, high: 4.0, log: true}
  learning_rate: {type: float, low: 0.0001, high: 0.01, log: true}
fixed: {widths: [24], batch_size: 64}
budget: {trials: 10, epochs: 80}
measure: {every_epochs: 10, num_images: 1000}
early_stopping: {rule: halving, grace_epochs: 10, factor: 2}
sampler: random
seed: 5
"""


def stops_of_a_replay(study):
    """Returns the trials that the rule ends, shown the measurements in their recorded order."""
    rule = make_early_stopping(study.record().config)
    params = {trial.number: dict(trial.params) for trial in study.trials()}
    shown = [(number, rule.observe(number, params[number], m)) for number, m in study.recorded()]
    return {number for number, stop in shown if stop is not None}


def test_weak_trials_are_stopped_as_a_replay_would_also_after_a_kill(tmp_path):
    share_cache(tmp_path)
    (tmp_path / "study.yaml").write_text(STUDY)
    with running(tmp_path, "run", "study.yaml", "--workers", "2") as command:
        wait_until(lambda: "pruned after epoch" in command.output, command)
        command.end()
    output = finished(tmp_path, "resume", "small", "--workers", "1")
    study = reader(tmp_path, "small")
    trials = study.trials()
    assert {t.state for t in trials} == {TrialState.COMPLETE, TrialState.PRUNED}
    assert len(trials) == 10
    pruned = {t.number for t in trials if t.state is TrialState.PRUNED}
    assert pruned == stops_of_a_replay(study)
    told = [e.details["trial"] for e in study.events() if e.kind == "trial stopped early"]
    assert sorted(told) == sorted(pruned)  # each once
    epochs = sum(t.last_epoch for t in trials)
    assert epochs < 0.75 * 10 * 80
    assert "rung " in output
    shown = json.loads(finished(tmp_path, "status", "small", "--json"))
    assert shown["states"]["pruned"] == len(pruned)
