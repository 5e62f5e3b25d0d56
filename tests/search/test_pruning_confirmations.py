"""Pruning what trainings of a confirmation left."""

from pathlib import Path

import pytest

from search.store import TrialStore, confirmation_folder, pruned
from search.study.confirmations import Confirmation, write_confirmations
from tests.stored_search import (
    files_of,
    filled_workspace,
    opened,
    save_epochs,
)


@pytest.fixture
def place(tmp_path):
    """A workspace with a search whose trials left files, its reader and its store."""
    with opened(filled_workspace(tmp_path / "ws")) as place:
        yield place


@pytest.fixture
def confirmed(place):
    """Trial 0 was trained again to epoch 2, trial 4 is under way, trial 1 has two epochs."""

    def store(repeat, epochs):
        return TrialStore(place.root, confirmation_folder(place.reader.id, repeat, epochs))

    save_epochs(store(1, [2]), 0, 1, range(1, 3))
    save_epochs(store(1, [2]), 4, 1, range(1, 2))
    save_epochs(store(2, [1, 2]), 1, 1, range(1, 2))
    rows = [Confirmation(0, 1, 2, {"fid": 1.0}, 1.0), Confirmation(1, 2, 1, {"fid": 1.0}, 1.0)]
    write_confirmations(place.reader, rows)
    return place


def test_trainings_that_ended_lose_their_states_and_the_others_nothing(confirmed):
    folder = confirmed.folder / "confirmations"
    before = files_of(folder)
    plan = confirmed.plan()
    plan.carry_out()
    after = files_of(folder)
    gone = sorted(Path(path).name for path in set(before) - set(after))
    assert [name for name in gone if not name.startswith("manifest-")] == [
        "state-000001-000000000.npz",
        "state-000002-000000000.npz",
        "weights-000001.npz",
    ]
    assert all("/trials/00000/" in path for path in set(before) - set(after))
    assert [Path(path).name for path in after if "/00000/" in path and "weights" in path] == [
        "weights-000002.npz"
    ]
    assert confirmed.plan().num_doomed == 0


def test_an_epoch_that_a_training_does_not_keep_goes(place):
    """One dominated within the repeat; the manifest before the newest still has its file."""
    folder = confirmation_folder(place.reader.id, 1, [1, 2])
    store = TrialStore(place.root, folder)
    save_epochs(store, 0, 1, range(1, 2))
    first = store.newest(0)
    name = "weights-000002.npz"
    notes = {"state": None, "weights": {"2": name}, "measurements": []}
    store.tidy(store.save(0, 1, (2, 0), {name: b"w"}, notes, pruned(first, ["config.json"])))
    rows = [Confirmation(0, 1, epoch, {"fid": 1.0}, 1.0) for epoch in (1, 2)]
    write_confirmations(place.reader, rows)
    path = Path(place.root) / folder / "trials" / "00000" / "001"
    assert (path / "weights-000001.npz").exists()
    plan = place.plan()
    assert plan.unclear == {}
    plan.carry_out()
    assert [file.name for file in path.glob("weights-*")] == [name]
    assert place.plan().num_doomed == 0


def test_what_cannot_be_read_is_named_with_its_folder(confirmed):
    (path,) = (confirmed.folder / "confirmations").glob("1/*/trials/00000/001/config.json")
    path.write_bytes(b"damaged")
    folder = path.parents[3].relative_to(confirmed.folder)
    plan = confirmed.plan()
    assert plan.unclear == {f"0 of {folder}": "it has no whole checkpoint"}
