"""A repeat of a confirmation in a worker, without Ray: real images, real training, a real store."""

import pytest

from search.assignment import Assignment
from search.models.bench import Bench
from search.store import TrialStore, confirmation_folder
from tests.workers import PARAMS, measured, study


@pytest.fixture
def start(tmp_path, folders):
    """Starts trainings on benches of their own, as after a crash."""

    def start(repeat, epochs=None, seed=7, attempt=1, stops=lambda: False):
        bench = Bench(study(), "id", str(tmp_path / "store"), folders)
        return bench.start(Assignment(0, attempt, PARAMS, seed, repeat, epochs), stops)

    return start


def test_a_repeat_is_measured_after_its_epochs_alone(start):
    figures = measured(start(1, [2, 3]))
    assert list(figures) == [1, 2, 3]
    assert ["fid" in metrics for metrics in figures.values()] == [False, True, True]


def test_repeats_have_test_images_and_draws_of_their_own(start):
    # One training seed, so that nothing but images and draws differs.
    search, first, second = (measured(start(k, [2]))[2] for k in (0, 1, 2))
    assert search["train_loss"] == first["train_loss"] == second["train_loss"]
    assert len({found["fid"] for found in (search, first, second)}) == 3
    # The images are those of the test split in both; losses are averaged over fresh noise.
    assert first["elbo"] != search["elbo"]


def test_a_repeat_goes_on_from_its_own_checkpoint(start, tmp_path, folders):
    whole = measured(start(1, [2, 4]))
    run = start(2, [2, 4])
    assert run.next_round().outcome is None
    again = start(2, [2, 4], attempt=2)
    found = {m.epoch: dict(m.metrics) for m in again.next_round().measurements}
    assert sorted(found) == [1, 2, 3, 4]
    assert found[4]["train_loss"] == whole[4]["train_loss"]
    assert start(0).next_round().measurements[0].attempt == 1  # the search's own store is apart


def test_other_epochs_begin_anew(start, tmp_path):
    measured(start(1, [4]))
    assert "fid" in measured(start(1, [2, 4], attempt=2))[2]
    store = TrialStore(str(tmp_path / "store"), confirmation_folder("id", 1, [2, 4]))
    checkpoint = store.newest(0)
    assert checkpoint is not None
    assert (checkpoint.attempt, checkpoint.epoch) == (2, 4)
