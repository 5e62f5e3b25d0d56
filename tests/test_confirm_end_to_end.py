"""A confirmation with real Ray, real trainings and a real kill."""

import shutil

import pytest

from search.models.vocabulary import COSTS
from search.study.confirmations import read_confirmations
from tests.running import finished, reader, running, share_cache, wait_until

pytestmark = pytest.mark.slow(minutes=3)

STUDY = """
name: small
dataset: digits
space:
  latent_dim: {type: int, low: 2, high: 8}
  beta: {type: float, low: 0.05, high: 0.5, log: true}
fixed: {widths: [24], batch_size: 64, learning_rate: 0.005}
budget: {trials: 3, epochs: 12}
measure: {every_epochs: 6, num_images: 500}
sampler: random
seed: 5
"""
CONFIRM = ("confirm", "small", "--seeds", "2", "--workers", "1")


def figures(folder):
    """Returns all that was confirmed, but for the time it took."""
    return {
        row.key: {name: value for name, value in row.metrics.items() if name not in COSTS}
        for row in read_confirmations(reader(folder, "small"))
    }


def test_a_kill_changes_no_figure_of_a_confirmation(tmp_path):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    whole.mkdir()
    share_cache(whole)
    (whole / "study.yaml").write_text(STUDY)
    finished(whole, "run", "study.yaml", "--workers", "2")
    shutil.copytree(whole, torn, symlinks=True)
    output = finished(whole, *CONFIRM)
    assert "P(front)" in output
    assert "Next: vaesearch pareto small --confirmed --plot" in output
    with running(torn, *CONFIRM) as command:
        wait_until(lambda: "repeat 1: @" in command.output, command)
        command.end()
    before = figures(torn)
    assert 0 < len(before) < len(figures(whole))
    finished(torn, *CONFIRM)
    assert figures(torn) == figures(whole)
    assert "nothing is left to train" in finished(torn, *CONFIRM)
