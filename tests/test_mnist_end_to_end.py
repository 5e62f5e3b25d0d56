"""A search on real MNIST, as a user starts it."""

import json
from pathlib import Path

import pytest

from search.trial import TrialState
from tests.running import finished, reader

pytestmark = pytest.mark.slow

MNIST = Path(__file__).parents[2] / "shared" / "data" / "mnist"


@pytest.mark.skipif(not MNIST.is_dir(), reason=f"no MNIST files in {MNIST.name}")
def test_real_mnist_ends_with_twelve_trials_and_a_front(tmp_path):
    options = ("--dataset", "mnist", "--data-dir", str(MNIST), "--trials", "12", "--epochs", "4")
    finished(tmp_path, "run", *options)
    trials = reader(tmp_path, "mnist").trials()
    assert [t.state for t in trials] == [TrialState.COMPLETE] * 12
    prepared = reader(tmp_path, "mnist").record().prepared
    assert prepared["extractor_accuracy"] >= 0.98
    assert prepared["floor"]["fid"] < 1
    front = json.loads(finished(tmp_path, "pareto", "mnist", "--json"))["front"]
    assert front
    assert all(0 < m["values"]["fid"] < prepared["ceiling"]["fid"] for m in front)
