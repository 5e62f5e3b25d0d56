"""Steering a search from another process while it runs, with real Ray and real trainings."""

import json

import pytest

from search.trial import TrialState
from tests.running import finished, reader, running, share_cache, wait_until

pytestmark = pytest.mark.slow(minutes=4)

STUDY = """
name: steered
dataset: digits
space:
  latent_dim: {type: int, low: 2, high: 8}
  beta: {type: float, low: 0.01, high: 4.0, log: true}
  variant: {type: categorical, choices: [vae, ae]}
fixed: {widths: [24], batch_size: 64, learning_rate: 0.001}
budget: {trials: 7, epochs: 300}
measure: {every_epochs: 150, num_images: 1000}
sampler: tpe
seed: 5
"""


def test_people_steer_a_search_that_runs_and_then_let_it_grow(tmp_path):
    share_cache(tmp_path)
    (tmp_path / "study.yaml").write_text(STUDY)
    with running(tmp_path, "run", "study.yaml", "--workers", "2") as command:
        wait_until(lambda: "running trials" in command.output, command)
        study = reader(tmp_path, "steered")
        wait_until(lambda: any(t.last_epoch for t in study.trials()), command)
        victim = next(t for t in study.trials() if t.last_epoch)
        told = finished(tmp_path, "stop", "steered", "--trial", str(victim.number))
        assert f"Trial {victim.number} is pruned after epoch " in told
        finished(tmp_path, "retry", "steered", str(victim.number))
        finished(tmp_path, "enqueue", "steered", "beta=0.5", "variant=ae")
        command.wait()
    trials = study.trials()
    assert len(trials) == 8  # a retry is on top of the budget
    stopped = trials[victim.number]
    assert (stopped.state, stopped.reason) == (TrialState.PRUNED, "stopped by hand")
    again = next(t for t in trials if t.origin == {"retries": victim.number})
    assert (again.params, again.state) == (stopped.params, TrialState.COMPLETE)
    added = next(t for t in trials if t.origin == {"enqueued": True})
    assert (added.params["beta"], added.params["variant"]) == (0.5, "ae")
    grow = ("--widen", "beta=0.001:8", "--add-choice", "variant=sbvae", "--trials", "+2")
    finished(tmp_path, "resume", "steered", *grow)
    assert study.trials()[:8] == trials
    assert len(study.trials()) == 10
    shown = json.loads(finished(tmp_path, "status", "steered", "--json"))
    assert shown["is_over"]
    assert "space grown" in [event["what"] for event in shown["history"]]
    made = json.loads(finished(tmp_path, "fork", "steered", "child", "--trials", "1", "--json"))
    assert made["known_trials"] == 10
    finished(tmp_path, "resume", "child")
    assert [t.state for t in reader(tmp_path, "child").trials()] == [TrialState.COMPLETE]
