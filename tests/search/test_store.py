"""The store of weights and states, on a disk and in S3: nothing half-written is ever taken for
whole."""

import os
from pathlib import Path

import pytest

from search.errors import StoreError
from search.files import Files
from search.store import TrialStore, pruned


@pytest.fixture
def store(store_root):
    return TrialStore(store_root, "search")


@pytest.fixture
def on_disk(tmp_path):
    return TrialStore(str(tmp_path), "search")


def files_of_attempt(root: str, attempt: int = 1) -> Files:
    return Files(root, "search", "trials", "00003", f"{attempt:03d}")


def attempt_folder(tmp_path: Path) -> Path:
    return tmp_path / "search" / "trials" / "00003" / "001"


def save(store, epoch, attempt=1, carry=None, content=None):
    """Saves a state of trial 3, named after its epoch."""
    objects = {f"state-{epoch}": content or f"state {epoch}".encode()}
    return store.save(3, attempt, (epoch, 0), objects, {"epoch": epoch}, carry)


def test_a_checkpoint_comes_back_as_it_was_saved(store, store_root):
    saved = store.save(3, 1, (2, 17), {"a": b"one", "b": b""}, {"state": "a", "list": [1, None]})
    found = TrialStore(store_root, "search").newest(3)
    assert found == saved
    assert (found.epoch, found.step, found.notes) == (2, 17, {"state": "a", "list": [1, None]})
    assert [store.read(found, name) for name in ("a", "b")] == [b"one", b""]


def test_a_url_of_a_folder_is_the_folder(tmp_path):
    saved = save(TrialStore(tmp_path.as_uri(), "search"), 1)
    assert TrialStore(str(tmp_path), "search").newest(3) == saved


def test_nothing_saved_is_no_checkpoint(store):
    assert store.newest(3) is None


@pytest.mark.parametrize("positions", [[(1, 0), (2, 0)], [(9, 0), (10, 0)], [(1, 9), (1, 10)]])
def test_the_furthest_checkpoint_is_the_newest(store, positions):
    for position in reversed(positions):
        store.save(3, 1, position, {f"state-{position}": b"x"}, {})
    newest = store.newest(3)
    assert (newest.epoch, newest.step) == positions[-1]


MANIFEST = "manifest-000002-000000000.json"


def damage_object(files):
    files.write("state-2", b"state X")


def lose_object(files):
    files.delete("state-2")


def lose_manifest(files):
    files.delete(MANIFEST)


def tear_manifest(files):
    files.write(MANIFEST, files.read(MANIFEST)[:40])


def empty_manifest(files):
    files.write(MANIFEST, b"")


def replace_manifest(files):
    files.write(MANIFEST, b"[1, 2]")


DAMAGES = [
    damage_object,
    lose_object,
    lose_manifest,
    tear_manifest,
    empty_manifest,
    replace_manifest,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_falls_back_to_the_one_before(store, store_root, damage):
    first = save(store, 1)
    save(store, 2)
    damage(files_of_attempt(store_root))
    assert store.newest(3) == first


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_attempt_falls_back_to_the_attempt_before(store, store_root, damage):
    first = save(store, 1)
    save(store, 2, attempt=2)
    damage(files_of_attempt(store_root, attempt=2))
    assert store.newest(3) == first


def test_objects_without_a_manifest_do_not_exist(store, store_root):
    first = save(store, 1)
    files_of_attempt(store_root).write("state-2", b"state 2")
    assert store.newest(3) == first


def test_a_stale_attempt_changes_nothing(store):
    save(store, 1)
    second = save(store, 2, attempt=2)
    late = save(store, 9)
    store.tidy(late)
    assert store.newest(3) == second
    assert store.read(second, "state-2") == b"state 2"


def test_tidying_keeps_what_two_checkpoints_need(store, store_root):
    checkpoint = store.save(3, 1, (0, 0), {"config": b"c"}, {})
    for epoch in range(1, 5):
        checkpoint = save(store, epoch, carry=pruned(checkpoint, {"config"}))
        store.tidy(checkpoint)
    files = files_of_attempt(store_root)
    left = [file.name for file in files.files()]
    manifests = [f"manifest-{epoch:06d}-000000000.json" for epoch in (3, 4)]
    assert left == ["config", *manifests, "state-3", "state-4"]
    files.delete("state-4")
    before = store.newest(3)
    assert (before.epoch, store.read(before, "config")) == (3, b"c")


def test_a_full_disk_is_told_and_leaves_the_one_before(on_disk, tmp_path):
    first = save(on_disk, 1)
    os.symlink("/dev/full", attempt_folder(tmp_path) / "state-2")
    with pytest.raises(StoreError, match=r"Cannot write to the store, .*[Nn]o space left"):
        save(on_disk, 2, content=b"x" * 100_000)
    assert on_disk.newest(3) == first


def test_a_file_in_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "search").write_text("in the way")
    with pytest.raises(StoreError, match=r"Cannot write to the store, .*search/trials"):
        save(TrialStore(str(tmp_path), "search"), 1)


def test_a_store_that_refuses_is_not_an_empty_one(on_disk, tmp_path):
    save(on_disk, 1)
    save(on_disk, 2)
    damaged = attempt_folder(tmp_path) / "state-2"
    damaged.unlink()
    damaged.mkdir()  # reading it is refused: it is there, and cannot be read
    with pytest.raises(StoreError, match=r"Cannot read .*state-2 from the store"):
        on_disk.newest(3)


@pytest.mark.parametrize(
    ("damage", "message"), [(damage_object, "is damaged: its hash"), (lose_object, "is missing")]
)
def test_reading_what_is_not_what_was_written_is_refused(store, store_root, damage, message):
    checkpoint = save(store, 2)
    damage(files_of_attempt(store_root))
    with pytest.raises(StoreError, match=f"state-2 {message}"):
        store.read(checkpoint, "state-2")


def test_an_unknown_kind_of_store_is_refused():
    with pytest.raises(StoreError, match="Cannot open the store nonsense://bucket"):
        TrialStore("nonsense://bucket", "search")


# What is pruned, and logs


def test_a_smaller_manifest_counts_as_the_newest_whatever_is_written_later(store):
    first = save(store, 1, content=b"weights")
    second = store.save(3, 1, (2, 0), {"state-2": b"s"}, {"epoch": 2}, carry=first)
    store.replace(second, ["state-1"], {"epoch": 2, "state": None})
    late = save(store, 30)  # by a worker that was cut off, and tidies up
    store.tidy(late)
    found = store.newest(3)
    assert (found.epoch, sorted(found.objects), found.notes["state"]) == (2, ["state-1"], None)
    assert store.read(found, "state-1") == b"weights"


def test_manifests_of_two_prunings_at_once_have_two_names(store):
    checkpoint = save(store, 1)
    names = {store.replace(checkpoint, [], {}) for _ in range(20)}
    assert len(names) == 20
    assert store.newest_manifest(3)[0] == max(names)


def test_a_torn_smaller_manifest_never_came_to_exist(store, store_root):
    checkpoint = save(store, 1)
    files, name = files_of_attempt(store_root), store.replace(checkpoint, [], {})
    files.write(name, files.read(name)[:40])
    assert store.newest(3) == checkpoint
    again = store.replace(checkpoint, [], {"again": True})
    assert again > name
    assert store.newest(3).notes == {"again": True}


def test_damage_after_a_pruning_is_told_where_it_is_read(store, store_root):
    checkpoint = store.save(3, 1, (1, 0), {"good": b"g", "bad": b"b"}, {})
    store.replace(checkpoint, ["good", "bad"], {})
    files_of_attempt(store_root).write("bad", b"x")
    found = store.newest(3)
    assert store.read(found, "good") == b"g"
    with pytest.raises(StoreError, match="bad is damaged: its hash"):
        store.read(found, "bad")


def test_a_log_is_written_over_and_over_and_never_tidied_up(store):
    assert store.read_log(3, 1) is None
    store.write_log(3, 1, "a long first text\n")
    checkpoint = save(store, 1)
    store.write_log(3, 1, "second \udcff\n")
    store.tidy(checkpoint)
    assert store.read_log(3, 1) == "second ?\n"
    assert (store.attempts(3), store.newest(3)) == ([1], checkpoint)


def test_an_attempt_that_left_a_log_alone_hides_no_older_checkpoint(store):
    first = save(store, 1)
    store.write_log(3, 2, "died at once\n")
    assert store.newest(3) == first
